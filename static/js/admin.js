// What the admin's own widgets leave unsaid for those who listen: names, and what is a picture.
function nameCombobox(select) {
  const label = document.querySelector(`label[for="${CSS.escape(select.id)}"]`);
  const widget = select.nextElementSibling;
  if (!label || !widget?.matches(".select2")) return;
  label.id ||= `label-of-${select.id}`;
  for (const part of widget.querySelectorAll("[role=combobox], [role=textbox]")) {
    part.setAttribute("aria-labelledby", `${label.id} ${widget.querySelector(".select2-selection__rendered").id}`);
  }
}

// The widgets are made by listeners that stand before these, some of them in jQuery's own line.
window.django?.jQuery?.(() => document.querySelectorAll("select.admin-autocomplete").forEach(nameCombobox));
addEventListener("load", () => {
  for (const sign of document.querySelectorAll(".help-tooltip[aria-label]")) sign.setAttribute("role", "img");
});
