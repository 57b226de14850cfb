import { useState } from "react";
import { useMutation } from "urql";
import { explain } from "~/api/errors";
import { graphql } from "~/api/gql";
import { basedOn, useSubmit } from "~/api/submit";
import { useViewer } from "~/api/viewer";
import { Confirm } from "~/ui/Dialog";
import { FormDialog } from "~/ui/FormDialog";
import { moment } from "~/ui/format";
import { SelectField, TextField } from "~/ui/inputs";
import { OnceDialog } from "~/ui/OnceDialog";
import type { Pick } from "~/ui/PickField";
import { UnlessStale } from "~/ui/StaleDialog";
import { useToast } from "~/ui/Toast";
import { AccountField } from "./account-field";
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
        revision
        account {
          id
          name
        }
      }
    }
  }
`);

export type Link = { url: string; expiresAt: string; whose: string };

/** The role that a member has, and for a customer the account. */
function RoleFields({
  role,
  account,
  error,
  onRole,
  onAccount,
}: {
  role: Role;
  account: Pick | null;
  error: { role?: string | undefined; accountId?: string | undefined };
  onRole: (role: Role) => void;
  onAccount: (account: Pick | null) => void;
}) {
  const { may } = useViewer();
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
        <AccountField
          hint="The only one that they see."
          error={error.accountId}
          chosen={account}
          onChange={onAccount}
        />
      )}
    </>
  );
}

const bound = (role: Role, account: Pick | null) =>
  role === "CUSTOMER" && account ? { accountId: account.value } : {};

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
  const [account, setAccount] = useState<Pick | null>(null);
  const send = async () => {
    const sent = invite(
      { input: { email: email.trim(), role, ...bound(role, account) } },
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
        account={account}
        error={faults?.fields ?? {}}
        onRole={setRole}
        onAccount={setAccount}
      />
    </FormDialog>
  );
}

export function RoleDialog({ member: now, onClose }: { member: Member; onClose: () => void }) {
  const [, update] = useMutation(UpdateMember);
  const { submit, forget, busy, faults } = useSubmit(["role", "accountId"]);
  // As they were when the form began: the page reads them again.
  const [member] = useState(now);
  const [role, setRole] = useState<Role>(member.role);
  const [account, setAccount] = useState<Pick | null>(
    member.account && { value: member.account.id, label: member.account.name },
  );
  const say = useToast();
  const save = async (revision: number | null = member.revision) => {
    const input = { id: member.id, ...basedOn(revision), role, ...bound(role, account) };
    const done = await submit(update({ input }));
    if (!done) return;
    say(`${nameOf(member)} is ${roles[role].label.toLowerCase()}`);
    onClose();
  };
  return (
    <UnlessStale
      what={nameOf(member)}
      faults={faults}
      busy={busy}
      onTheirs={onClose}
      onMine={save}
      onClose={forget}
    >
      <FormDialog
        title={`Role of ${nameOf(member)}`}
        submit="Save role"
        busy={busy}
        errors={faults?.general}
        onSubmit={() => save()}
        onClose={onClose}
      >
        <RoleFields
          role={role}
          account={account}
          error={faults?.fields ?? {}}
          onRole={setRole}
          onAccount={setAccount}
        />
        <p className="text-muted">Another role ends their sessions: they sign in again.</p>
      </FormDialog>
    </UnlessStale>
  );
}

/** The only time that a member's link is on screen. */
export function LinkDialog({ link, onClose }: { link: Link; onClose: () => void }) {
  return (
    <OnceDialog
      title={`A link for ${link.whose}`}
      warning="Pass it on now, to nobody else: whoever opens it first is them. It can’t be shown again."
      secret={link.url}
      copy="Copy link"
      onClose={onClose}
    >
      It works once, until {moment(Date.parse(link.expiresAt))}.
    </OnceDialog>
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
