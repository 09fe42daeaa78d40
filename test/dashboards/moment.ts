export const NOW = new Date('2026-11-20T03:00:00Z')
export const HOSTILE = `<script>document.title='owned'</script> "><img src=x onerror="document.title='owned'">`
export const secondsAgo = (seconds: number) => new Date(NOW.getTime() - seconds * 1_000)
