import { createContext, useContext } from "react";
import type { Gateway } from "./gateway.js";
import type { TrustMemory } from "./kept-trust.js";
import type { Restriction } from "./restriction.js";
import type { View } from "./view.js";

/** Where the viewer is: what its parts share, and what differs between the page at / and another application's. */
export interface Mount {
  readonly gateway: Gateway;
  readonly memory: TrustMemory;
  readonly restriction: Restriction | undefined;
  /** The page's address for a view, where the address says what is looked at. */
  readonly addressOf: ((view: View) => string) | undefined;
  /** What holds dialogs, menus and tips; null: the page's body. */
  readonly overlay: HTMLElement | null;
}

const MountContext = createContext<Mount | undefined>(undefined);

export const MountProvider = MountContext.Provider;

export function useMount(): Mount {
  const mount = useContext(MountContext);
  if (mount === undefined) throw new Error("a part of the viewer is used outside of it");
  return mount;
}
