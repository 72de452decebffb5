import { PROFILE_PICTURE_MAX_BYTES } from '@sotto/conversations/profile';
import { useMemo, useRef, useState } from 'preact/hooks';
import { Explained } from '../components/explained.js';
import { Field } from '../components/field.js';
import { Identicon } from '../components/identicon.js';
import { useSession } from '../session-context.js';
import { squarePicture } from '../small-pictures.js';
import { useObjectUrl } from '../use-object-url.js';
import { useTask } from '../use-task.js';

/** The name and picture that people see of the user. */
export function ProfileSetting() {
  const { profiles, ownProfile, identity } = useSession();
  const [name, setName] = useState(ownProfile.value.name);
  const [picture, setPicture] = useState(ownProfile.value.picture);
  const [saved, setSaved] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const task = useTask();
  const blob = useMemo(() => picture && new Blob([new Uint8Array(picture)]), [picture]);
  const url = useObjectUrl(blob);
  const choose = async (file: File) => {
    setSaved(false);
    setPicture(await squarePicture(file, PROFILE_PICTURE_MAX_BYTES));
  };
  const save = async () => {
    await profiles.set({ name: name.trim(), picture });
    setSaved(true);
  };
  return (
    <section aria-label="Your profile">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void task.run(save);
        }}
      >
        <div class="hero">
          {url === undefined ? (
            <Identicon identity={identity.publicKey} size="large" label="The picture of your key" />
          ) : (
            <img class="identicon large" src={url} alt="Your own" />
          )}
          <div class="row">
            <button type="button" disabled={task.busy} onClick={() => input.current?.click()}>
              Choose a picture
            </button>
            {picture !== undefined && (
              <button
                type="button"
                onClick={() => {
                  setSaved(false);
                  setPicture(undefined);
                }}
              >
                Remove it
              </button>
            )}
          </div>
          <input
            ref={input}
            class="sr-only"
            type="file"
            accept="image/*"
            tabIndex={-1}
            aria-label="Picture of yourself"
            onChange={({ currentTarget }) => {
              const [file] = currentTarget.files ?? [];
              currentTarget.value = '';
              if (file) void task.run(() => choose(file));
            }}
          />
        </div>
        <Field
          label="Your name"
          hint="As you call yourself. People who gave you a name go on seeing theirs."
          value={name}
          onValue={(value) => {
            setSaved(false);
            setName(value);
          }}
        />
        <p class="hint">
          The people you write to get it with your next message, as do the members of your groups; nobody else
          does. It is not verified: anyone can take the same name and picture.
        </p>
        <Explained error={task.error} />
        <button type="submit" class="primary" disabled={task.busy}>
          Save
        </button>
        {saved && (
          <p class="good" role="status">
            Saved.
          </p>
        )}
      </form>
    </section>
  );
}
