// What a figure lets its reader choose: one of some buttons, or a number by a slider.

/** Buttons of which one is pressed; `chosen(value)` hears which. Values are the texts by default. */
export function choices(place, options, first, chosen) {
  const buttons = options.map(([value, text]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn";
    button.dataset.choice = value;
    button.textContent = text;
    button.addEventListener("click", () => press(value));
    return button;
  });
  place.replaceChildren(...buttons);
  mark(first);

  function mark(value) {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.choice === value));
  }
  function press(value) {
    mark(value);
    chosen(value);
  }
}

/** The energies that the field uses, by what a hartree is of each (CODATA 2018). */
export const ENERGY = {
  "hartree": 1,
  "kcal/mol": 627.5094740631,
  "kJ/mol": 2625.4996394799,
  "eV": 27.211386245988,
};

/** The unit in which the reader likes differences of energies, as the profile says. */
export function liked() {
  const unit = document.documentElement.dataset.energy;
  return unit in ENERGY ? unit : "kcal/mol";
}
