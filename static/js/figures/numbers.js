// A figure of numbers alone.

export function draw(figure, told, tools) {
  tools.toggleTable();
}
