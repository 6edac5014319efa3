// What the pose touches: a row of the table shows its residue in the picture.

/** A residue is lit while the pointer or the focus is on its row; a click lets it stay. */
export function hearContacts(owner) {
  let pinned = null;
  const rows = [...owner.querySelectorAll("[data-contacts] tr")];
  const light = (row) => {
    const { residue, distance } = row?.dataset ?? {};
    owner.highlight(row ? { residue, label: `${residue}  ${distance} Å` } : null);
  };
  const mark = () => rows.forEach((row) => {
    row.classList.toggle("chosen", row === pinned);
    row.querySelector("button").setAttribute("aria-pressed", String(row === pinned));
  });
  for (const row of rows) {
    const button = row.querySelector("button");
    button.disabled = false;
    row.addEventListener("pointerenter", () => light(row));
    row.addEventListener("pointerleave", () => light(pinned));
    button.addEventListener("focus", () => light(row));
    button.addEventListener("blur", () => light(pinned));
    row.addEventListener("click", () => {
      pinned = pinned === row ? null : row;
      mark();
      light(pinned);
    });
  }
}
