import type { Pipeline } from './pipeline.ts'

/** The pipeline as a Mermaid flowchart, drawn from its own data, so that no picture can go stale. */
export function toMermaid(pipeline: Pipeline): string {
  const lines = ['flowchart LR']
  for (const [name, step] of Object.entries(pipeline.steps))
    lines.push(step.by === 'person' ? `  ${name}[/"${name} (a person)"/]` : `  ${name}["${name}"]`)
  for (const end of pipeline.ends) lines.push(`  ${end}(["${end}"])`)
  for (const [name, step] of Object.entries(pipeline.steps)) {
    for (const [outcome, spec] of Object.entries(step.on)) {
      const bound = spec.atMost === undefined ? '' : `, at most ${spec.atMost}×`
      lines.push(`  ${name} -- "${outcome}${bound}" --> ${spec.to}`)
      if (spec.afterwards !== undefined) lines.push(`  ${name} -- "${outcome}, after that" --> ${spec.afterwards}`)
    }
  }
  if (pipeline.rescue) {
    const failing = Object.keys(pipeline.steps).filter((name) => name !== pipeline.rescue?.to)
    lines.push(`  ${failing.join(' & ')} -. "failed for good" .-> ${pipeline.rescue.to}`)
  }
  return lines.join('\n')
}
