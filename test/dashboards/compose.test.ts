import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import * as z from 'zod'

const root = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const Service = z.object({
  image: z.string(),
  build: z.string().optional(),
  healthcheck: z.object({ test: z.array(z.string()), retries: z.int() }),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  profiles: z.array(z.string()).default([]),
  command: z.array(z.string()).default([]),
})
const compose = z
  .object({ services: z.record(z.string(), Service), volumes: z.record(z.string(), z.null()) })
  .parse(parse(read('docker-compose.yml'), { merge: true }))
const services = Object.entries(compose.services)

test('compose names every store, both roles, and monitoring as a profile', () => {
  expect(services.map(([name]) => name).toSorted()).toEqual([
    'api',
    'elasticsearch',
    'grafana',
    'postgres',
    'prometheus',
    'qdrant',
    'redis',
    'worker',
  ])
  expect(services.filter(([, { profiles }]) => profiles.includes('metrics')).map(([name]) => name)).toEqual([
    'prometheus',
    'grafana',
  ])
})

test.each(services)('%s has a health check, a pinned image, and ports on this machine only', (_name, { image, ports }) => {
  expect(image).toMatch(/:v?\d+\.\d+/)
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/)
})

test.each(services)('what %s mounts from here is here, and its volumes are declared', (_name, { volumes }) => {
  for (const volume of volumes) {
    const source = volume.split(':')[0]!
    if (source.startsWith('.')) expect(existsSync(join(root, source))).toBe(true)
    else expect(Object.keys(compose.volumes)).toContain(source)
  }
})

test('queues survive a crash and are never evicted', () => {
  const words = compose.services.redis!.command.join(' ')
  expect(words).toContain('--appendonly yes')
  expect(words).toContain('--maxmemory-policy noeviction')
})

test('the image runs without root and holds every folder that the sources import from', () => {
  const dockerfile = read('Dockerfile')
  expect(dockerfile).toMatch(/^USER node$/m)
  expect(dockerfile).toMatch(/^HEALTHCHECK /m)
  const { imports } = z.object({ imports: z.record(z.string(), z.string()) }).parse(JSON.parse(read('package.json')))
  const rooms = Object.values(imports).map((path) => path.split('/')[1]!)
  for (const room of rooms.filter((name) => name !== 'test')) expect(dockerfile).toContain(`COPY ${room} ./${room}\n`)
})
