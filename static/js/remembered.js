// What a tab knows as long as it is open.
const LIST = "backplane.list";
const SENT = "backplane.sent";

/** The list that a reader came from: what is before a job, and after it. */
export function keepList(paths) {
  sessionStorage.setItem(LIST, JSON.stringify(paths));
}

/** The path of the job so many places on; null where there is none. */
export function neighbour(path, by) {
  const paths = JSON.parse(sessionStorage.getItem(LIST) ?? "[]");
  const at = paths.indexOf(path);
  return (at >= 0 && paths[at + by]) || null;
}

/** What was typed stays kept until it has become a job: the server may have refused it. */
export const rememberSent = (key) => sessionStorage.setItem(SENT, key);

export function forgetSent() {
  const key = sessionStorage.getItem(SENT);
  if (key) dropTyped(key);
  sessionStorage.removeItem(SENT);
}

/** A form that is shown after it was sent has become no job: whoever looks at another one meanwhile
 *  finds it as it was. */
export const refused = () => sessionStorage.removeItem(SENT);

/** What was typed into a form in this tab; one that has seen none of it yet shows what another tab
 *  kept last, which is there also after that was closed. */
export function typed(key) {
  const text = sessionStorage.getItem(key) ?? localStorage.getItem(key);
  if (text) sessionStorage.setItem(key, text);
  return text ?? "{}";
}

/** Of forms that start from something there are as many as jobs: they are kept by their tab alone. */
export function keepTyped(key, text) {
  sessionStorage.setItem(key, text);
  if (!key.includes("?")) localStorage.setItem(key, text);
}

/** Of another tab that shows the same form nothing is lost by it. */
export function dropTyped(key) {
  if (localStorage.getItem(key) === sessionStorage.getItem(key)) localStorage.removeItem(key);
  sessionStorage.removeItem(key);
}
