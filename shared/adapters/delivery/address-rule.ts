import { lookup as systemLookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** IPv4 that is not the open internet (IANA's special-purpose registry), multicast and the rest of the old classes D and E. */
const NOT_PUBLIC_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
]
/** Of IPv6 only global unicast is public, and of that not what wraps an IPv4 address (6to4, Teredo) or is for documentation. */
const PUBLIC_IPV6 = ['2000::/3']
const NOT_PUBLIC_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

export type AddressRule = (address: string) => boolean

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address, prefix] = network.split('/') as [string, string?]
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    list.addSubnet(address, prefix === undefined ? (family === 'ipv6' ? 128 : 32) : Number(prefix), family)
  }
  return list
}

/**
 * Which addresses callbacks may reach: public ones, and those of the networks that the operator names.
 * @param networks `10.1.0.0/16`, `fd00::/8` or single addresses
 */
export function createAddressRule(networks: readonly string[]): AddressRule {
  const named = listOf(networks)
  const [ipv4, ipv6, global] = [listOf(NOT_PUBLIC_IPV4), listOf(NOT_PUBLIC_IPV6), listOf(PUBLIC_IPV6)]
  return (address) => {
    const family = isIP(address)
    if (family === 0) return false
    if (family === 4) return named.check(address, 'ipv4') || !ipv4.check(address, 'ipv4')
    // An IPv4 address in IPv6's clothes (::ffff:a.b.c.d) is no global unicast, so it is only reached when named.
    return named.check(address, 'ipv6') || (global.check(address, 'ipv6') && !ipv6.check(address, 'ipv6'))
  }
}

export class AddressRefused extends Error {
  readonly code = 'ADDRESS_REFUSED'
  constructor() {
    super('the name leads to an address that is not allowed')
    this.name = 'AddressRefused'
  }
}

/**
 * A lookup for `node:net`: the connection goes to the very addresses that were checked, so a name that answers differently the
 * next time gains nothing. One refused address among several refuses the name.
 */
export const checkedLookup =
  (allows: AddressRule, lookup: typeof systemLookup = systemLookup): LookupFunction =>
  (hostname, options, done) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return done(error, '', 0)
      const [first] = found
      if (first === undefined || !found.every(({ address }) => allows(address))) return done(new AddressRefused(), '', 0)
      if (options.all) done(null, found)
      else done(null, first.address, first.family)
    })
  }
