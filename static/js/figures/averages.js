// Averages: written by the server with the digits that their errors leave; the buttons have them whole.

export function draw() {}
