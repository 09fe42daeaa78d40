/** `https://help.example/en/hub/no-wifi.html` -> `hub no wifi`: slugs are often an article's first and plainest title. */
export function addressWords(url: string | undefined): string {
  if (url === undefined || !URL.canParse(url)) return ''
  return decoded(new URL(url).pathname)
    .replace(/\.(?:html?|md|aspx?|php)$/i, '')
    .split('/')
    .filter((part) => !/^[a-z]{2}(?:-[a-z]{2})?$/i.test(part))
    .join(' ')
    .replace(/[-_]/g, ' ')
    .trim()
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
