// The ranking of a batch: written by the server; the item that is picked in the grid is marked.
export { draw } from "./ranks.js";
