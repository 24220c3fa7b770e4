// What a form asks the server for.
import { useEffect, useState } from "react";

// Return what `load` has answered; `key` stands for what is loaded, and without one it is nothing.
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
