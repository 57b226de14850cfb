import type { Viewer } from "~/api/viewer";

export type Role = NonNullable<Viewer["member"]>["role"];

/** What each role may do, in words. */
export const roles: Record<Role, { label: string; note: string }> = {
  OWNER: { label: "Owner", note: "Everything." },
  ADMIN: { label: "Admin", note: "Everything but what concerns owners." },
  OPERATOR: {
    label: "Operator",
    note: "Accounts, keys and policy; reads usage and the audit log.",
  },
  BILLING: { label: "Billing", note: "Reads accounts, policy and usage, and corrects usage." },
  VIEWER: { label: "Viewer", note: "Reads accounts, policy and usage." },
  CUSTOMER: { label: "Customer", note: "Sees one account only, and has charge of its keys." },
};

export const isRole = (text: string | null): text is Role => text !== null && text in roles;
