import { inputOf, type TierDraft } from "./tier-form";
import type { PreviewInput } from "./tier-preview-query";

/** Limits that can be played. */
export type Source = {
  value: string;
  label: string;
  limits: Pick<PreviewInput, "limits" | "versionId">;
  /** Since when they are as they are, where the rest doesn't tell. */
  savedAt?: string;
  /** They have to be mended first. */
  invalid?: boolean;
};

/** Those of a form, and of the draft that is kept, if there is one. */
export function draftSources(
  draft: TierDraft,
  kept: { id: string; createdAt: string } | null,
  invalid = false,
): [Source, ...Source[]] {
  const { limits } = inputOf(draft);
  const form = { value: "form", label: "the limits above", limits: { limits }, invalid };
  if (!kept) return [form];
  const saved = { limits: { versionId: kept.id }, savedAt: kept.createdAt };
  return [form, { value: "kept", label: "the draft as it is kept", ...saved }];
}
