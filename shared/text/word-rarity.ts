import { stem } from './stem.ts'

/** Words that many sentences share, whatever they are about: meeting one of them proves little. */
const EVERYWHERE = `use make go need want time way work new good know take see look come give find thing day people year right like just
help please question problem issue try would could say tell think show keep start put let call ask first last next back well many lot
different number part place case example available include allow provide change set add open follow different several various main important
possible able sure general certain order also however additionally based specific information detail`

/** Common in general and support English, but still a hint of the subject. */
const COMMON = `account address app application area available back best better bill bit book box bring build business button buy check
choose city click close code company complete computer connect consider contact continue control copy cost country create customer data date
delete device different difference difficult document down easy email end enough enter error every fact family feature feel few file fill find
fine fix form free friend full further get group grow hand happen hard head hear high history hold home hour house idea increase kind know
large later law leave less level life line link list little live local long lose low mail manage market matter mean member message method
minute money month move name near night note offer office off old online option page paid person phone plan play point power price process
product program public purchase question read reason receive remove report request require result return run safe save screen search second
section select sell send service side sign simple single site size small software sort special stand state step stop store support system
table team test text today together total try turn type under understand update user value version view visit wait watch water web website
week word world write wrong`

const WEIGHTS = new Map<string, number>()
for (const word of COMMON.split(/\s+/)) WEIGHTS.set(stem(word), 0.7)
for (const word of EVERYWHERE.split(/\s+/)) WEIGHTS.set(stem(word), 0.4)

/**
 * How much it says that two texts share this stem, 0.4 to 1.4: common words little, names more, ids and numbers most. Stands in
 * for inverse document frequency where there are too few documents to count in.
 */
export function rarityOf(term: string): number {
  if (/\d/.test(term)) return 1.4
  return WEIGHTS.get(term) ?? 1
}
