import { useState } from "react";
import { useMutation } from "urql";
import { explain } from "~/api/errors";
import { graphql } from "~/api/gql";
import { basedOn, useSubmit } from "~/api/submit";
import { Confirm } from "~/ui/Dialog";
import { FormDialog } from "~/ui/FormDialog";
import { TextField } from "~/ui/inputs";
import { UnlessStale } from "~/ui/StaleDialog";
import { useToast } from "~/ui/Toast";
import type { Member } from "./Members";
import { nameOf } from "./members-dialogs";

const ResetMemberTotp = graphql(`
  mutation ResetMemberTotp($id: ID!) {
    resetMemberTotp(id: $id) {
      member {
        id
        hasTotp
      }
    }
  }
`);

const UpdateMemberEmail = graphql(`
  mutation UpdateMemberEmail($input: UpdateMemberInput!) {
    updateMember(input: $input) {
      member {
        id
        email
        revision
      }
    }
  }
`);

const UnlinkMember = graphql(`
  mutation UnlinkMember($id: ID!) {
    unlinkMember(id: $id) {
      member {
        id
        hasOpenId
      }
    }
  }
`);

type Props = { member: Member; onClose: () => void };

/** For somebody who lost the app and the recovery codes. */
export function ResetTotpDialog({ member, onClose }: Props) {
  const [{ fetching, error }, reset] = useMutation(ResetMemberTotp);
  const say = useToast();
  const confirm = async () => {
    if ((await reset({ id: member.id })).error) return;
    say(`${nameOf(member)} signs in without a second step`);
    onClose();
  };
  return (
    <Confirm
      title={`Reset the second step of ${nameOf(member)}?`}
      confirm="Reset second step"
      danger
      busy={fetching}
      error={error && explain(error)}
      onConfirm={confirm}
      onClose={onClose}
    >
      They sign in without a code until they turn the second step on again. Be sure that it is them
      who asks.
    </Confirm>
  );
}

/** Another address to sign in with. */
export function EmailDialog({ member: now, onClose }: Props) {
  const [, update] = useMutation(UpdateMemberEmail);
  const { submit, forget, busy, faults } = useSubmit(["email"]);
  // As they were when the form began: the page reads them again.
  const [member] = useState(now);
  const [email, setEmail] = useState(member.email ?? "");
  const say = useToast();
  const save = async (revision: number | null = member.revision) => {
    const input = { id: member.id, ...basedOn(revision), email: email.trim() };
    if (!(await submit(update({ input })))) return;
    say(`${nameOf(member)} signs in with ${email.trim().toLowerCase()}`);
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
        title={`E-mail of ${nameOf(member)}`}
        submit="Save e-mail"
        busy={busy}
        errors={faults?.general}
        onSubmit={() => save()}
        onClose={onClose}
      >
        <TextField
          required
          label="E-mail"
          hint="What they sign in with, from now on."
          error={faults?.fields.email}
          type="email"
          value={email}
          onChange={setEmail}
        />
      </FormDialog>
    </UnlessStale>
  );
}

/** Forgets who a member is at the OpenID provider. */
export function UnlinkDialog({ member, onClose }: Props) {
  const [{ fetching, error }, unlink] = useMutation(UnlinkMember);
  const say = useToast();
  const confirm = async () => {
    if ((await unlink({ id: member.id })).error) return;
    say(`${nameOf(member)} is unlinked`);
    onClose();
  };
  return (
    <Confirm
      title={`Unlink ${nameOf(member)} from the provider?`}
      confirm="Unlink member"
      danger
      busy={fetching}
      error={error && explain(error)}
      onConfirm={confirm}
      onClose={onClose}
    >
      Their sessions end. Whoever signs in at the provider next with their verified e-mail address
      becomes this member.
    </Confirm>
  );
}
