/**
 * `read`, with what it made of an object kept on that object, where no copy, comparison or JSON sees it: each is read once and its
 * reading dies with it. A WeakMap would say the same, but V8's young collections take the values of an old WeakMap for alive: readings
 * of passages would outlive their run until the next full collection, and fill the heap with megabytes of a minute's drafts.
 *
 * An object that cannot be written to is read each time.
 */
export function keptWith<Holder extends object, Reading>(read: (holder: Holder) => Reading): (holder: Holder) => Reading {
  const place = Symbol(read.name)
  return (holder) => {
    const known = (holder as { readonly [place]?: Reading })[place]
    if (known !== undefined) return known
    const reading = read(holder)
    if (Object.isExtensible(holder)) Object.defineProperty(holder, place, { value: reading, enumerable: false })
    return reading
  }
}
