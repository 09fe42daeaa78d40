import { describe, expect, it } from 'vitest'
import { maskPii } from '#workers/logic/mask-pii.ts'

const found = (text: string) => maskPii(text).placeholders.map(({ type, value }) => `${type} ${value}`)

describe('the patterns for labelled data', () => {
  it.each([
    ['my password is hunter2, help', ['SECRET hunter2']],
    ['Passwort: Sommer', ['SECRET Sommer']],
    ['PIN is 4711', ['SECRET 4711']],
    ['key ghp_abcdefghijklmnopqrstuvwxyz0123456789', ['SECRET ghp_abcdefghijklmnopqrstuvwxyz0123456789']],
    ['Authorization: Bearer abcdef0123456789abcdef', ['SECRET abcdef0123456789abcdef']],
    ['DOB: 03/04/1985', ['DATE_OF_BIRTH 03/04/1985']],
    ['I was born on 3rd of April 1985', ['DATE_OF_BIRTH 3rd of April 1985']],
    ['Geburtsdatum 03.04.1985', ['DATE_OF_BIRTH 03.04.1985']],
    ['Hi, my name is Anna van der Berg and I moved', ['PERSON Anna van der Berg']],
    ['my name is rubija', ['PERSON rubija']],
    ['ich heiße Jörg Groß.', ['PERSON Jörg Groß']],
    ["je m'appelle Chloé Dubois", ['PERSON Chloé Dubois']],
    ['This is Peter Pan from Neverland', ['PERSON Peter Pan']],
    ['It broke.\n\nKind regards,\nJane Q. Public\nAcme', ['PERSON Jane Q. Public']],
    ['Geht nicht.\nViele Grüße\nUwe Klein', ['PERSON Uwe Klein']],
  ])('finds in %j: %j', (text, expected) => {
    expect(found(text)).toEqual(expected)
  })

  it.each([
    'my password is not working',
    'my password is incorrect.',
    'the pin is blocked',
    'Password: how do I change it?',
    'I forgot my password',
    'my password is 8 characters',
    'my name is wrong on the card',
    'my name is not shown',
    'This is Great! ',
    'Thanks,\nThe Support Team',
    'delivered on 03/04/1985',
    'Best\nregards to all of you',
  ])('finds nothing in %j', (text) => {
    expect(found(text)).toEqual([])
  })
})
