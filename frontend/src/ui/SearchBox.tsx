import { useEffect, useState } from "react";

const searchAfterMS = 200;

/** A field that tells what to look for, once typing rests. */
export function SearchBox({
  label,
  placeholder = label,
  value,
  onChange,
}: {
  label: string;
  placeholder?: string;
  value: string;
  onChange: (text: string) => void;
}) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onChange(text), searchAfterMS);
    return () => clearTimeout(timer);
  }, [text, value, onChange]);
  return (
    <input
      type="search"
      aria-label={label}
      placeholder={placeholder}
      className="control w-44 max-sm:w-full"
      value={text}
      onChange={(e) => setText(e.target.value)}
    />
  );
}
