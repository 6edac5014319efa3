// What went wrong, grouped by cause: written by the server.

export function draw() {}
