import { describe, expect, test } from 'vitest'
import type { RunProgram } from '../../../src/config/registry-policy.ts'
import { demandAdministratorsFile, judgeAccess } from '../../../src/config/windows-access.ts'

const group = 'G:S-1-5-21-1004336348-1177238915-682003330-513'
const artist = 'S-1-5-21-1004336348-1177238915-682003330-1001'

/** A folder that an administrator made in C:\ProgramData, and a file in it, with what they inherit there. */
const folder = `O:BA${group}D:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIIOID;GA;;;CO)(A;OICIID;0x1200a9;;;BU)(A;CIID;DCLCRPCR;;;BU)`
const file = `O:BA${group}D:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)`

type Refused = readonly [name: string, sddl: string, because: RegExp]

describe('who can write a policy on Windows', () => {
  test.each([
    ['as an administrator leaves it', file],
    ['of the system', file.replace('O:BA', 'O:SY')],
    ['of Windows’ installer', file.replace('O:BA', 'O:S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464')],
    ['with a list of its own', 'O:BAG:SYD:PAI(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;WD)'],
    ['without a group', 'O:BAD:(A;;FA;;;BA)'],
    ['with an audit of it', `${file}S:AI(AU;SAFA;FA;;;WD)`],
    ['that refuses somebody', file.replace('D:AI', `D:AI(D;;FA;;;${artist})`)],
    ['that may be read and run', 'O:BAD:(A;;FRFX;;;BU)(A;;0x1200a9;;;AU)'],
  ])('a file %s counts', (_, sddl) => expect(judgeAccess(sddl, 'file')).toBeUndefined())

  test('so does a folder below C:\\ProgramData, where users may add files', () => {
    expect(judgeAccess(folder, 'folder')).toBeUndefined()
  })

  test.each<Refused>([
    ['owned by an artist', file.replace('O:BA', `O:${artist}`), /must be owned by Administrators or SYSTEM/],
    ['owned by all users', file.replace('O:BA', 'O:BU'), /must be owned by/],
    ...[
      'FA',
      'FW',
      'GA',
      'GW',
      '0x1301bf',
      '0x2',
      '0x100',
      '0x10000',
      '0x40000',
      'SD',
      'WD',
      'WO',
      'DC',
      'LC',
      'RP',
      'CR',
      '0xc0000000',
    ].map((mask) => [`with ${mask} for users`, `${file}(A;;${mask};;;BU)`, /writable by administrators only/] as const),
    ['that an artist may write', `${file}(A;;0x1301bf;;;${artist})`, /writable by administrators only/],
    ['with a right that is not known', `${file}(A;;XX;;;BU)`, /writable by administrators only/],
    ['with an odd right', `${file}(A;;F;;;BU)`, /writable by administrators only/],
    ['with a condition', `${file}(XA;;FR;;;BU;(Member_of{SID(BA)}))`, /is not understood/],
    ['with an entry of another kind', `${file}(OA;;FR;;;BU)`, /writable by administrators only/],
    ['that everybody owns all of', 'O:BAG:SYD:NO_ACCESS_CONTROL', /is not understood/],
    ['without a list', 'O:BAG:SY', /is not understood/],
    ['without an owner', file.slice(4), /is not understood/],
    ['that is no descriptor', 'Access denied', /is not understood/],
    ['that is empty', '', /is not understood/],
  ])('a file %s does not', (_, sddl, because) => {
    expect(judgeAccess(sddl, 'file')).toEqual({ of: 'file', because: expect.stringMatching(because) })
  })

  test.each(['FA', 'GA', 'DT', '0x40', 'SD', 'WD', 'WO'])('nor a folder with %s for users', (mask) => {
    expect(judgeAccess(`${folder}(A;OICI;${mask};;;BU)`, 'folder')).toMatchObject({ of: 'folder' })
    // What only the files in it inherit is looked at there.
    expect(judgeAccess(`${folder}(A;OICIIO;${mask};;;BU)`, 'folder')).toBeUndefined()
  })
})

describe('asking PowerShell', () => {
  const policyFile = 'C:\\ProgramData\\sg-session\\policy.json'
  const answering =
    (stdout: string, status: number | undefined = 0, asked: string[] = []): RunProgram =>
    async (command, args, { env, limitMs }) => {
      asked.push(command, ...args)
      expect(env).toEqual({ SystemRoot: 'C:\\Windows' })
      expect(limitMs).toBeLessThanOrEqual(10_000)
      return { status, stdout, isLate: false, isWhole: true }
    }

  test('takes the program and its commands from nobody, and asks about folder and file', async () => {
    const asked: string[] = []
    await demandAdministratorsFile(policyFile, answering(`${folder}\r\n${file}\r\n`, 0, asked))
    expect(asked[0]).toBe('C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe')
    expect(asked.at(-1)).toContain("'C:\\ProgramData\\sg-session'")
    expect(asked.at(-1)).toContain(`'${policyFile}'`)
  })

  test.each([
    [
      'the folder is an artist’s',
      `${folder.replace('O:BA', `O:${artist}`)}\n${file}\n`,
      0,
      /^C:\\ProgramData\\sg-session: must be owned by/,
    ],
    [
      'the file is an artist’s',
      `${folder}\n${file.replace('O:BA', `O:${artist}`)}\n`,
      0,
      /policy\.json: must be owned by/,
    ],
    ['it says too little', `${folder}\n`, 0, /could not be found out/],
    ['it says too much', `${folder}\n${file}\n${file}\n`, 0, /could not be found out/],
    ['it fails', `${folder}\n${file}\n`, 1, /could not be found out/],
    ['it is not there, or too slow', '', undefined, /could not be found out/],
  ])('refuses the policy where %s', async (_, stdout, status, message) => {
    const run: RunProgram = async () => ({ status, stdout, isLate: false, isWhole: true })
    await expect(demandAdministratorsFile(policyFile, run)).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringMatching(message),
    })
  })
})
