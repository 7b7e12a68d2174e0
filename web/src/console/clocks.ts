// Whose clock is wrong. The node that answers knows the others' by its own alone: when all of them, two at least, are
// off the same way, it is its own that is.
import type { ClusterMember } from './calls';

const offMs = 2_000; // less is what a word takes on its way

// By how many milliseconds the member's clock is ahead; negative: behind; 0: nothing to tell.
export function clockOff(of: ClusterMember, all: ClusterMember[]): number {
  const others = all.flatMap((each) => (each.self ? [] : (each.clockAheadMs ?? [])));
  const [least, most] = [Math.min(...others), Math.max(...others)];
  if (others.length > 1 && (least >= offMs || most <= -offMs)) return of.self ? -(least > 0 ? least : most) : 0;
  const off = of.clockAheadMs ?? 0;
  return Math.abs(off) >= offMs ? off : 0;
}
