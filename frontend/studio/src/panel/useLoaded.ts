// Data that a form loads from the server.
import { useEffect, useState } from "react";

import { keepLoading, type Loaded } from "./loading";

// Return the result of `load`, which is called again when `key` changes, and while the server cannot be reached; nothing
// is loaded for an empty key.
export function useLoaded<T>(load: () => Promise<T>, key: string): Loaded<T> {
  const [state, setState] = useState<Loaded<T> & { key: string }>({ key: "" });
  useEffect(() => (key === "" ? undefined : keepLoading(load, (loaded) => setState({ key, ...loaded }))), [key]);
  return state.key === key ? state : {};
}
