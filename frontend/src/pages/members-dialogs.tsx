import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { explain } from "~/api/errors";
import { graphql } from "~/api/gql";
import { useSubmit } from "~/api/submit";
import { useViewer } from "~/api/viewer";
import { Button } from "~/ui/Button";
import { Copyable } from "~/ui/Copyable";
import { Confirm, Dialog, DialogActions } from "~/ui/Dialog";
import { FormDialog } from "~/ui/FormDialog";
import { moment } from "~/ui/format";
import { SelectField, TextField } from "~/ui/inputs";
import { Notice } from "~/ui/states";
import { useToast } from "~/ui/Toast";
import type { Member } from "./Members";
import { type Role, roles } from "./members-roles";

const InviteMember = graphql(`
  mutation InviteMember($input: InviteMemberInput!) {
    inviteMember(input: $input) {
      url
      expiresAt
      member {
        id
      }
    }
  }
`);

const UpdateMember = graphql(`
  mutation UpdateMember($input: UpdateMemberInput!) {
    updateMember(input: $input) {
      member {
        id
        role
        status
        account {
          id
          name
        }
      }
    }
  }
`);

const AccountsQuery = graphql(`
  query AccountChoices {
    accounts(first: 200) {
      nodes {
        id
        name
      }
    }
  }
`);

export type Link = { url: string; expiresAt: string; whose: string };

/** The role that a member has, and for a customer the account. */
function RoleFields({
  role,
  accountId,
  error,
  onRole,
  onAccount,
}: {
  role: Role;
  accountId: string;
  error: { role?: string | undefined; accountId?: string | undefined };
  onRole: (role: Role) => void;
  onAccount: (id: string) => void;
}) {
  const { may } = useViewer();
  const [{ data }] = useQuery({ query: AccountsQuery, pause: role !== "CUSTOMER" });
  const names = (Object.keys(roles) as Role[]).filter((r) => r !== "OWNER" || may("OWNERS_WRITE"));
  return (
    <>
      <SelectField
        label="Role"
        hint={roles[role].note}
        error={error.role}
        value={role}
        choices={names.map((value) => ({ value, label: roles[value].label }))}
        onChange={(value) => onRole(value as Role)}
      />
      {role === "CUSTOMER" && (
        <SelectField
          label="Account"
          hint="The only one that they see."
          error={error.accountId}
          value={accountId}
          choices={[
            { value: "", label: "Choose an account", disabled: true },
            ...(data?.accounts.nodes ?? []).map((a) => ({ value: a.id, label: a.name })),
          ]}
          onChange={onAccount}
        />
      )}
    </>
  );
}

const bound = (role: Role, accountId: string) =>
  role === "CUSTOMER" && accountId !== "" ? { accountId } : {};

export function InviteDialog({
  onInvited,
  onClose,
}: {
  onInvited: (link: Link) => void;
  onClose: () => void;
}) {
  const [, invite] = useMutation(InviteMember);
  const { submit, busy, faults } = useSubmit(["email", "role", "accountId"]);
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("VIEWER");
  const [accountId, setAccountId] = useState("");
  const send = async () => {
    const sent = invite(
      { input: { email: email.trim(), role, ...bound(role, accountId) } },
      { additionalTypenames: ["Member"] },
    );
    const done = await submit(sent);
    if (done) onInvited({ ...done.inviteMember, whose: email.trim() });
  };
  return (
    <FormDialog
      title="Invite a member"
      submit="Make invitation"
      busy={busy}
      errors={faults?.general}
      onSubmit={send}
      onClose={onClose}
    >
      <TextField
        autofocus
        required
        label="E-mail"
        hint="What they sign in with. Nothing is sent: you pass the link on."
        error={faults?.fields.email}
        type="email"
        value={email}
        onChange={setEmail}
      />
      <RoleFields
        role={role}
        accountId={accountId}
        error={faults?.fields ?? {}}
        onRole={setRole}
        onAccount={setAccountId}
      />
    </FormDialog>
  );
}

export function RoleDialog({ member, onClose }: { member: Member; onClose: () => void }) {
  const [, update] = useMutation(UpdateMember);
  const { submit, busy, faults } = useSubmit(["role", "accountId"]);
  const [role, setRole] = useState<Role>(member.role);
  const [accountId, setAccountId] = useState(member.account?.id ?? "");
  const say = useToast();
  const save = async () => {
    const done = await submit(
      update({ input: { id: member.id, role, ...bound(role, accountId) } }),
    );
    if (!done) return;
    say(`${nameOf(member)} is ${roles[role].label.toLowerCase()}`);
    onClose();
  };
  return (
    <FormDialog
      title={`Role of ${nameOf(member)}`}
      submit="Save role"
      busy={busy}
      errors={faults?.general}
      onSubmit={save}
      onClose={onClose}
    >
      <RoleFields
        role={role}
        accountId={accountId}
        error={faults?.fields ?? {}}
        onRole={setRole}
        onAccount={setAccountId}
      />
      <p className="text-muted">Another role ends their sessions: they sign in again.</p>
    </FormDialog>
  );
}

/** The only time that a member's link is on screen. */
export function LinkDialog({ link, onClose }: { link: Link; onClose: () => void }) {
  return (
    <Dialog title={`A link for ${link.whose}`} onClose={onClose}>
      <div className="flex flex-col gap-3">
        <Notice kind="warning">
          Pass it on now, to nobody else: whoever opens it first is them. It can’t be shown again.
        </Notice>
        <Copyable text={link.url} label="Copy link" autofocus />
        <p className="text-muted">It works once, until {moment(Date.parse(link.expiresAt))}.</p>
        <DialogActions>
          <Button kind="primary" onClick={onClose}>
            I have copied it
          </Button>
        </DialogActions>
      </div>
    </Dialog>
  );
}

const RemoveMember = graphql(`
  mutation RemoveMember($id: ID!) {
    removeMember(id: $id) {
      id
    }
  }
`);

export function DisableDialog({ member, onClose }: { member: Member; onClose: () => void }) {
  const [{ fetching, error }, update] = useMutation(UpdateMember);
  const say = useToast();
  const disabled = member.status === "DISABLED";
  const confirm = async () => {
    const result = await update({ input: { id: member.id, disabled: !disabled } });
    if (result.error) return;
    say(`${nameOf(member)} is ${disabled ? "enabled" : "disabled"}`);
    onClose();
  };
  return (
    <Confirm
      title={`${disabled ? "Enable" : "Disable"} ${nameOf(member)}?`}
      confirm={disabled ? "Enable member" : "Disable member"}
      danger={!disabled}
      busy={fetching}
      error={error && explain(error)}
      onConfirm={confirm}
      onClose={onClose}
    >
      {disabled
        ? "They can sign in again, and the API tokens that they made work again."
        : "Their sessions end, they can’t sign in, and the API tokens that they made stop working, until you enable them again."}
    </Confirm>
  );
}

export function RemoveDialog({ member, onClose }: { member: Member; onClose: () => void }) {
  const [{ fetching, error }, remove] = useMutation(RemoveMember);
  const say = useToast();
  const confirm = async () => {
    const result = await remove({ id: member.id }, { additionalTypenames: ["Member"] });
    if (result.error) return;
    say(`${nameOf(member)} is removed`);
    onClose();
  };
  return (
    <Confirm
      title={`Remove ${nameOf(member)}?`}
      confirm="Remove for good"
      typed={nameOf(member)}
      danger
      busy={fetching}
      error={error && explain(error)}
      onConfirm={confirm}
      onClose={onClose}
    >
      Their sessions end, and the API tokens that they made are revoked. What they did stays in the
      audit log.
    </Confirm>
  );
}

export const nameOf = (m: { name: string; email: string | null }) => m.name || m.email || "member";
