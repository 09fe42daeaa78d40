import type { Telemetry } from '#shared/ports/telemetry.ts'

/** Counts defects and keeps which requests were served. */
export function recordingTelemetry(): Telemetry & {
  readonly defects: string[]
  readonly served: { route: string; status: number }[]
} {
  const defects: string[] = []
  const served: { route: string; status: number }[] = []
  return {
    defects,
    served,
    stepEnded() {},
    runEnded() {},
    jobSkipped() {},
    modelCalled() {},
    httpServed: ({ route, status }) => void served.push({ route, status }),
    defect: (where) => void defects.push(where),
    gauge() {},
    expose: async () => ({ contentType: 'text/plain; version=0.0.4', body: 'answerline_up 1\n' }),
  }
}
