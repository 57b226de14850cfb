import { useState } from "react";
import { useMutation } from "urql";
import { graphql, type ResultOf } from "~/api/gql";
import { usePolled } from "~/api/polled";
import { useSubmit } from "~/api/submit";
import { useViewer } from "~/api/viewer";
import { Button } from "~/ui/Button";
import { TextField } from "~/ui/inputs";
import { PageHead, Panel } from "~/ui/Panel";
import { EmptyState, ErrorState } from "~/ui/states";
import { useToast } from "~/ui/Toast";
import { roles } from "./members-roles";
import { SecondStep } from "./profile-codes";
import { Sessions } from "./profile-sessions";

const ProfileQuery = graphql(`
  query Profile {
    viewer {
      kind
      member {
        id
        name
        email
        role
        hasPassword
        hasTotp
      }
      sessions {
        id
        current
        address
        userAgent
        begunAt
        lastSeenAt
      }
    }
  }
`);

const UpdateProfile = graphql(`
  mutation UpdateProfile($input: UpdateProfileInput!) {
    updateProfile(input: $input) {
      viewer {
        member {
          id
          name
          email
        }
      }
    }
  }
`);

const SetPassword = graphql(`
  mutation SetPassword($input: SetPasswordInput!) {
    setPassword(input: $input) {
      viewer {
        member {
          id
          hasPassword
        }
      }
    }
  }
`);

type Viewer = ResultOf<typeof ProfileQuery>["viewer"];
export type Self = NonNullable<Viewer["member"]>;
export type Session = Viewer["sessions"][number];

/** What members say of themselves, and how they sign in. */
export default function Profile() {
  const { data, error, reload } = usePolled({ query: ProfileQuery, variables: {}, everyMS: null });
  if (error && !data)
    return <ErrorState page="Profile" what="your profile" error={error} retry={reload} />;
  const member = data?.viewer.member;
  if (data && !member) {
    return (
      <>
        <PageHead title="Profile" />
        <div className="panel">
          <EmptyState title="An API token has no profile">
            Sign in as a member to see yours.
          </EmptyState>
        </div>
      </>
    );
  }
  return (
    <>
      <PageHead
        title="Profile"
        note={member && `You are ${roles[member.role].label.toLowerCase()}.`}
      />
      {member && (
        <div className="grid gap-4 lg:grid-cols-2 lg:items-start">
          <Yourself key={`${member.name} ${member.email}`} member={member} />
          <div className="flex min-w-0 flex-col gap-4">
            <Password member={member} onSaved={reload} />
            <SecondStep member={member} onChanged={reload} />
          </div>
        </div>
      )}
      <Sessions sessions={data?.viewer.sessions} reload={reload} />
    </>
  );
}

function Yourself({ member }: { member: Self }) {
  const [, update] = useMutation(UpdateProfile);
  const { submit, busy, faults } = useSubmit(["name", "email", "currentPassword"]);
  const [name, setName] = useState(member.name);
  const [email, setEmail] = useState(member.email ?? "");
  const [password, setPassword] = useState("");
  const say = useToast();
  const { may } = useViewer();
  // Who has an address asks an admin for another: others trust that it is theirs.
  const mayMove = member.email === null || may("MEMBERS_WRITE");
  const moved = email.trim().toLowerCase() !== (member.email ?? "");
  const save = async () => {
    const input = {
      name: name.trim(),
      ...(moved && { email: email.trim(), currentPassword: password }),
    };
    if (await submit(update({ input }))) say("Your profile is saved");
  };
  return (
    <Panel title="You">
      <Form busy={busy} submit="Save profile" errors={faults?.general} onSubmit={save}>
        <TextField
          required
          label="Name"
          error={faults?.fields.name}
          maxLength={64}
          autoComplete="name"
          value={name}
          onChange={setName}
        />
        {mayMove ? (
          <TextField
            label="E-mail"
            hint="What you sign in with."
            error={faults?.fields.email}
            type="email"
            autoComplete="email"
            value={email}
            onChange={setEmail}
          />
        ) : (
          <p className="text-muted">
            You sign in with {member.email}. An admin can change that address.
          </p>
        )}
        {moved && member.hasPassword && (
          <TextField
            required
            label="Your password"
            hint="Another e-mail address takes it."
            error={faults?.fields.currentPassword}
            type="password"
            autoComplete="current-password"
            value={password}
            onChange={setPassword}
          />
        )}
      </Form>
    </Panel>
  );
}

function Password({ member, onSaved }: { member: Self; onSaved: () => void }) {
  const [, set] = useMutation(SetPassword);
  const { submit, busy, faults } = useSubmit(["currentPassword", "password"]);
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const say = useToast();
  const save = async () => {
    const input = { password, ...(member.hasPassword && { currentPassword: current }) };
    if (!(await submit(set({ input })))) return;
    setCurrent("");
    setPassword("");
    say("Your password is set; your other sessions have ended");
    onSaved();
  };
  return (
    <Panel title="Password" note={member.hasPassword ? "set" : "none yet"}>
      <Form busy={busy} submit="Set password" errors={faults?.general} onSubmit={save}>
        {member.email === null && (
          <p className="text-muted">
            Save an e-mail address as well: you sign in with it and the password.
          </p>
        )}
        {member.hasPassword && (
          <TextField
            required
            label="Present password"
            error={faults?.fields.currentPassword}
            type="password"
            autoComplete="current-password"
            value={current}
            onChange={setCurrent}
          />
        )}
        <TextField
          required
          label="New password"
          hint="At least 12 characters; a few words will do."
          error={faults?.fields.password}
          type="password"
          autoComplete="new-password"
          value={password}
          onChange={setPassword}
        />
      </Form>
    </Panel>
  );
}

/** A form that is a part of the page. */
export function Form({
  submit,
  busy,
  errors = [],
  onSubmit,
  children,
}: {
  submit: string;
  busy: boolean;
  errors?: string[] | undefined;
  onSubmit: () => void;
  children: React.ReactNode;
}) {
  return (
    <form
      className="flex flex-col gap-3 px-4 pb-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) onSubmit();
      }}
    >
      {children}
      {errors.map((message) => (
        <p key={message} role="alert" className="text-error">
          {message}
        </p>
      ))}
      <div>
        <Button type="submit" kind="primary" busy={busy}>
          {submit}
        </Button>
      </div>
    </form>
  );
}
