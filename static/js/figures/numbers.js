// A figure of numbers alone.

export function draw(figure, told, tools) {
  if (!tools.open) tools.toggleTable();
}
