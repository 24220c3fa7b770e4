// While its server is away, Streamlit covers the page with a dialog that says so. The canvas goes on without the server and
// says itself what is kept, so the dialog is closed as a person would: Streamlit then opens none until it is connected again.
const CONNECTED = '[data-testid="stApp"][data-test-connection-state="CONNECTED"]';
// A dialog of the page has blocks of elements in it.
const DIALOG = '[data-testid="stDialog"]:not(:has([data-testid="stVerticalBlock"]))';

// Keep that dialog away from now on; returns what ends this.
export function keepUncovered(): () => void {
  const look = (): void => {
    if (document.querySelector(CONNECTED)) return;
    document.querySelector<HTMLElement>(`${DIALOG} button[aria-label="Close"]`)?.click();
  };
  const observer = new MutationObserver(look);
  observer.observe(document.body, { childList: true });
  look();
  return () => observer.disconnect();
}
