/** A column of numbers that grows: what objects hold in a hundred bytes a row, these hold in four or eight a number. */
class Column<A extends Uint32Array | Float64Array> {
  values: A
  length = 0
  readonly #make: (size: number) => A

  constructor(make: (size: number) => A) {
    this.#make = make
    this.values = make(64)
  }

  push(value: number): void {
    if (this.length === this.values.length) {
      const larger = this.#make(Math.ceil(1.5 * this.values.length))
      larger.set(this.values)
      this.values = larger
    }
    this.values[this.length++] = value
  }
}

export const wholeNumbers = () => new Column((size) => new Uint32Array(size))
export const floats = () => new Column((size) => new Float64Array(size))
