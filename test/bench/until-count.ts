/** Counts ends and tells when so many more have come. */
export function untilCount() {
  let missing = 0
  let done = () => {}
  return {
    add(): void {
      missing--
      if (missing === 0) done()
    },
    /** Resolves after `n` more; one waits at a time. */
    after(n: number): Promise<void> {
      missing = n
      return new Promise((resolve) => {
        done = resolve
      })
    },
  }
}
