// Changes made by a button instead of a field, such as adding an input or a trigger.
import { useState } from "react";

import type { Operation } from "../api";
import { useForm } from "./form";

// Return a function that sends operations, after any text still being typed, and why the last ones were refused.
export function useSend() {
  const form = useForm();
  const [failure, setFailure] = useState("");
  const send = async (ops: Operation[]): Promise<boolean> => {
    try {
      await form.edits.flush();
      await form.send(ops, null);
      setFailure("");
      return true;
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
      return false;
    }
  };
  return { send, failure };
}
