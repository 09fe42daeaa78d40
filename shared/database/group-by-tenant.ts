import { groupCommit } from './group-commit.ts'

/**
 * Gathers the calls of each tenant that arrive while earlier ones are under way, and makes one statement of them: tickets in flight
 * ask for the same few things. A gathered read begins after every call in it, so it is never older than asking alone would be.
 * @param ask gets the items of one tenant in order of arrival and returns one result per item, in the same order
 */
export function groupByTenant<Item, Result>(
  ask: (tenantId: string, items: readonly Item[]) => Promise<readonly Result[]>,
): (tenantId: string, item: Item) => Promise<Result> {
  const gathered = groupCommit(
    async (calls: readonly { readonly tenantId: string; readonly item: Item }[]) => {
      const results = new Map<(typeof calls)[number], Result>()
      const byTenant = [...Map.groupBy(calls, (call) => call.tenantId)]
      await Promise.all(
        byTenant.map(async ([tenantId, own]) => {
          const answers = await ask(
            tenantId,
            own.map(({ item }) => item),
          )
          for (const [nth, call] of own.entries()) results.set(call, answers[nth]!)
        }),
      )
      return calls.map((call) => results.get(call)!)
    },
    { maxItems: 100, maxInFlight: 2 },
  )
  return (tenantId, item) => gathered({ tenantId, item })
}
