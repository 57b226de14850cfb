import { createContext, type ReactNode, useCallback, useContext, useState } from "react";

const shownMS = 4_000;

type Toast = { id: number; text: string };
const ToastContext = createContext<(text: string) => void>(() => {});

/** Says that something worked, for a few seconds, without being in the way. */
export const useToast = () => useContext(ToastContext);

export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Toast[]>([]);
  const say = useCallback((text: string) => {
    const id = performance.now();
    setToasts((old) => [...old, { id, text }].slice(-3));
    setTimeout(() => setToasts((old) => old.filter((t) => t.id !== id)), shownMS);
  }, []);
  return (
    <ToastContext value={say}>
      {children}
      <div
        role="status"
        className="pointer-events-none fixed inset-x-0 bottom-4 z-50 flex flex-col items-center gap-2 px-4 max-md:bottom-20"
      >
        {toasts.map((toast) => (
          <p
            key={toast.id}
            className="rounded-control border border-line-strong bg-raised px-3 py-2 font-medium"
          >
            {toast.text}
          </p>
        ))}
      </div>
    </ToastContext>
  );
}
