// Laying one molecule over another, and measuring it.

/** Move `atoms` where they lie best on `onto`, by heavy atoms; the RMSD of those in Å. */
export function superpose(atoms, onto) {
  const heavy = atoms.map((atom, i) => i).filter((i) => atoms[i].elem !== "H");
  const chosen = heavy.length > 2 ? heavy : atoms.map((_, i) => i);
  const a = middle(chosen.map((i) => atoms[i]));
  const b = middle(chosen.map((i) => onto[i]));
  const turn = rotation(chosen.map((i) => minus(atoms[i], a)), chosen.map((i) => minus(onto[i], b)));
  for (const atom of atoms) {
    const [x, y, z] = turned(turn, minus(atom, a));
    Object.assign(atom, { x: x + b[0], y: y + b[1], z: z + b[2] });
  }
  const squares = chosen.map((i) => distance(atoms[i], onto[i]) ** 2);
  return Math.sqrt(squares.reduce((sum, each) => sum + each, 0) / chosen.length);
}

export function distance(a, b) {
  return Math.hypot(a.x - b.x, a.y - b.y, a.z - b.z);
}

/** Each bond once, with its length; `i` and `j` are places among these atoms. */
export function bondsOf(atoms) {
  const places = new Map(atoms.map((atom, place) => [atom.index, place]));
  const bonds = [];
  atoms.forEach((atom, i) => {
    for (const index of atom.bonds) {
      const j = places.get(index);
      if (j > i) bonds.push({ i, j, length: distance(atom, atoms[j]) });
    }
  });
  return bonds;
}

function middle(points) {
  const sum = [0, 0, 0];
  for (const p of points) { sum[0] += p.x; sum[1] += p.y; sum[2] += p.z; }
  return sum.map((each) => each / points.length);
}

function minus(p, m) {
  return [p.x - m[0], p.y - m[1], p.z - m[2]];
}

function turned(r, [x, y, z]) {
  return r.map((row) => row[0] * x + row[1] * y + row[2] * z);
}

/** Horn's quaternion: the eigenvector of the largest eigenvalue of a symmetric 4 × 4 matrix. */
function rotation(from, to) {
  const s = [0, 1, 2].map((i) => [0, 1, 2].map((j) => from.reduce((sum, p, n) => sum + p[i] * to[n][j], 0)));
  const [[xx, xy, xz], [yx, yy, yz], [zx, zy, zz]] = s;
  const [w, x, y, z] = largest([
    [xx + yy + zz, yz - zy, zx - xz, xy - yx],
    [yz - zy, xx - yy - zz, xy + yx, zx + xz],
    [zx - xz, xy + yx, yy - xx - zz, yz + zy],
    [xy - yx, zx + xz, yz + zy, zz - xx - yy],
  ]);
  return [
    [w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)],
    [2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)],
    [2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z],
  ];
}

/** By Jacobi's rotations, which a matrix this small needs few of. */
function largest(a) {
  const v = a.map((_, i) => a.map((__, j) => (i === j ? 1 : 0)));
  for (let sweep = 0; sweep < 60; sweep++) {
    let [p, q] = [0, 1];
    for (let i = 0; i < 4; i++) {
      for (let j = i + 1; j < 4; j++) if (Math.abs(a[i][j]) > Math.abs(a[p][q])) [p, q] = [i, j];
    }
    if (Math.abs(a[p][q]) < 1e-12) break;
    const angle = 0.5 * Math.atan2(2 * a[p][q], a[q][q] - a[p][p]);
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    for (let k = 0; k < 4; k++) [a[k][p], a[k][q]] = [c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]];
    for (let k = 0; k < 4; k++) [a[p][k], a[q][k]] = [c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]];
    for (let k = 0; k < 4; k++) [v[k][p], v[k][q]] = [c * v[k][p] - s * v[k][q], s * v[k][p] + c * v[k][q]];
  }
  const best = [0, 1, 2, 3].reduce((m, i) => (a[i][i] > a[m][m] ? i : m), 0);
  return v.map((row) => row[best]);
}
