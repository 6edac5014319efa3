// Lines of several jobs over one another: the server has drawn them.
export function draw() {}
