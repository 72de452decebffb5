export type {
  HiddenMessage,
  HiddenMessageHandler,
  HiddenMessageOf,
  HiddenMessageOutcome,
  HiddenMessageSource,
} from './hidden-message.js';
export { PROFILE_PICTURE_MAX_BYTES, PROFILE_PICTURE_MAX_PIXELS } from './limits.js';
export { type ProfilePictureType, profilePictureType } from './profile-picture.js';
export {
  createProfiles,
  type OwnProfile,
  PROFILE_AGAIN_MS,
  PROFILE_GROUP_MAX_MEMBERS,
  PROFILE_TIMES_MAX,
  PROFILES_MAX,
  type Profile,
  type ProfileChange,
  type ProfileConversations,
  type ProfilePicture,
  Profiles,
  type ProfilesOptions,
  type ShownName,
  STRANGER_PROFILES_MAX,
} from './profiles.js';
