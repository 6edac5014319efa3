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
  localStorage.removeItem(sessionStorage.getItem(SENT));
  sessionStorage.removeItem(SENT);
}
