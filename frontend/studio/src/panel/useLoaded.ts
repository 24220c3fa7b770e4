// Data that a form loads from the server.
import { useEffect, useState } from "react";

// Return the result of `load`, which is called again when `key` changes; nothing is loaded for an empty key.
export function useLoaded<T>(load: () => Promise<T>, key: string): { value?: T; failure?: string } {
  const [state, setState] = useState<{ key: string; value?: T; failure?: string }>({ key: "" });
  useEffect(() => {
    if (key === "") return undefined;
    let isWanted = true;
    load().then(
      (value) => isWanted && setState({ key, value }),
      (error: unknown) => isWanted && setState({ key, failure: error instanceof Error ? error.message : String(error) }),
    );
    return () => {
      isWanted = false;
    };
  }, [key]);
  return state.key === key ? state : {};
}
