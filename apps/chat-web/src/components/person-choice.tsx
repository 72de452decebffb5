import type { Person } from '@sotto/conversations';
import type { PublicKey } from '@sotto/core';
import { PersonName } from './person-name.js';
import { Portrait } from './portrait.js';

interface PersonChoiceProps {
  readonly legend: string;
  readonly people: readonly Person[];
  readonly chosen: readonly PublicKey[];
  onChosen(chosen: readonly PublicKey[]): void;
}

/** Contacts to tick. */
export function PersonChoice({ legend, people, chosen, onChosen }: PersonChoiceProps) {
  return (
    <fieldset>
      <legend>{legend}</legend>
      {people.length === 0 && <p class="hint">Add someone to your contacts first.</p>}
      {people.map(({ identity }) => (
        <label key={identity.join()} class="choice">
          <input
            type="checkbox"
            checked={chosen.includes(identity)}
            onChange={({ currentTarget }) =>
              onChosen(
                currentTarget.checked ? [...chosen, identity] : chosen.filter((other) => other !== identity),
              )
            }
          />
          <Portrait identity={identity} />
          <PersonName identity={identity} />
        </label>
      ))}
    </fieldset>
  );
}
