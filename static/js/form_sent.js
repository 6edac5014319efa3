// What was typed stays kept until it has become a job: the server may have refused it.
const SENT = "backplane.sent";

export const rememberSent = (key) => sessionStorage.setItem(SENT, key);

export function forgetSent() {
  localStorage.removeItem(sessionStorage.getItem(SENT));
  sessionStorage.removeItem(SENT);
}
