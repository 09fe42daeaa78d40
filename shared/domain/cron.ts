import { CronExpressionParser } from 'cron-parser'

/**
 * When a cron expression is due next, in its time zone; as `cron-parser` (which BullMQ uses, too) has it, so that a time that a
 * change of clocks leaves out or repeats comes once.
 * @param cron five fields: more often than once a minute nothing is digested
 * @throws TypeError for an expression or a time zone that is none, or a day that never comes
 */
export function nextTime(cron: string, timeZone: string, after: Date): Date {
  if (cron.trim().split(/\s+/).length !== 5)
    throw new TypeError('must have five fields: minute, hour, day of month, month, day of week')
  try {
    new Intl.DateTimeFormat('en', { timeZone })
  } catch {
    throw new TypeError(`there is no time zone "${timeZone}"`)
  }
  try {
    return CronExpressionParser.parse(cron, { tz: timeZone, currentDate: after }).next().toDate()
  } catch (error) {
    throw new TypeError((error as Error).message)
  }
}
