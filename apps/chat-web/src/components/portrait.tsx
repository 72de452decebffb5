import { profilePictureType } from '@sotto/conversations/profile';
import { encodeBase64, encodeHex, LruCache, type PublicKey } from '@sotto/core';
import { useEffect, useState } from 'preact/hooks';
import { isSame } from '../format.js';
import { useSession } from '../session-context.js';
import { useRevision } from '../use-revision.js';
import { Identicon } from './identicon.js';

interface PortraitProps {
  readonly identity: PublicKey;
  readonly size?: 'small' | 'large';
}

/** Pictures as addresses, by person and version: the same people are shown again and again. 100 of the largest take 2 MB. */
const sources = new LruCache<string, string>(100);

/** The picture that a person shows of themselves; until there is one, that of their key. It proves nothing. */
export function Portrait({ identity, size = 'small' }: PortraitProps) {
  useRevision();
  const { profiles, identity: own, ownProfile } = useSession();
  const isOwn = isSame(own.publicKey, identity);
  const profile = profiles.get(identity);
  const picture = isOwn ? ownProfile.value.picture : undefined;
  const version = isOwn
    ? picture && `own ${picture.length} ${ownProfile.value.name}`
    : profile?.hasPicture && `${encodeHex(identity)} ${profile.changedAt}`;
  const [source, setSource] = useState<string | undefined>(version ? sources.get(version) : undefined);
  useEffect(() => {
    if (!version) return setSource(undefined);
    const known = isOwn ? undefined : sources.get(version);
    if (known !== undefined) return setSource(known);
    let isOver = false;
    const show = (bytes: Uint8Array, mediaType: string) => {
      const address = `data:${mediaType};base64,${encodeBase64(bytes)}`;
      sources.set(version, address);
      if (!isOver) setSource(address);
    };
    if (picture !== undefined) {
      const mediaType = profilePictureType(picture);
      if (mediaType !== undefined) show(picture, mediaType);
    } else {
      profiles.picture(identity).then(
        (found) => found && show(found.picture, found.mediaType),
        // The store was closed meanwhile.
        () => undefined,
      );
    }
    return () => {
      isOver = true;
    };
  }, [version, picture]);
  const [broken, setBroken] = useState<string>();
  if (source === undefined || source === broken) return <Identicon identity={identity} size={size} />;
  return <img class={`identicon ${size}`} src={source} alt="" onError={() => setBroken(source)} />;
}
