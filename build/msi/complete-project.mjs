// electron-builder makes an MSI of files and shortcuts; this hook (`msiProjectCreated`) puts into its WiX project what our other
// installers do: properties for the policy, start at login, the command on PATH, the policy's folder, and what a removal takes along.
import { readFile, writeFile } from 'node:fs/promises'

/** The properties that become options of `sg-session policy write`. */
export const policyProperties = {
  SITE: '--site',
  BROKER: '--broker',
  CLIENTID: '--client-id',
  CONSENT: '--consent',
  STARTATLOGIN: '--start-at-login',
  POLICY: '--from',
}

/** As build/nsis/policy-folder.nsh: owned by Administrators, who and SYSTEM may everything; users may read; inherits nothing. */
const policyAccess = 'O:BAG:BAD:PAI(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;OICI;0x1200a9;;;BU)'

const command = '&quot;[APPLICATIONFOLDER]bin\\sg-session.exe&quot;'
// Not in a repair either, which any user may start: it runs as SYSTEM, with properties of that user's choosing.
const installing = 'NOT Installed'
// An upgrade removes the version before it, and must not take the policy along.
const removing = 'REMOVE=&quot;ALL&quot; AND NOT UPGRADINGPRODUCTCODE'

export default async function completeProject(projectFile) {
  await writeFile(projectFile, complete(await readFile(projectFile, 'utf8')))
}

/** Throws where electron-builder's template no longer has the place that something belongs to. */
export function complete(project) {
  const upgrade = /<MajorUpgrade AllowSameVersionUpgrades="yes" DowngradeErrorMessage='[^']*'\/>/g
  if (project.match(upgrade)?.length !== 1)
    throw new Error("electron-builder's MSI template has no single MajorUpgrade")
  // As our other installers: the version before may be put over a newer one.
  const both = project.replace(upgrade, '<MajorUpgrade AllowDowngrades="yes"/>')
  return [
    ['<Directory Id="TARGETDIR" Name="SourceDir">', policyFolder],
    ['<ComponentGroup Id="ProductComponents" Directory="APPLICATIONFOLDER">', components],
    // Before the files and not behind the tag that opens the product, which is longer.
    ['<!-- Files -->', actions()],
  ].reduce((text, [place, addition]) => {
    if (text.split(place).length !== 2) throw new Error(`electron-builder's MSI template has no single '${place}'`)
    return text.replace(place, () => `${place}\n${addition}`)
  }, both)
}

const policyFolder = `
      <Directory Id="CommonAppDataFolder">
        <Directory Id="POLICYFOLDER" Name="sg-session"/>
      </Directory>`

const components = `
      <Component Id="StartAtLogin" Directory="APPLICATIONFOLDER" Guid="8d1a3f0e-5c5b-4d43-9d0b-6f6fd1cf7f7e">
        <RegistryValue Root="HKLM" Key="Software\\Microsoft\\Windows\\CurrentVersion\\Run" Name="sg-session" Type="string" Value="&quot;[APPLICATIONFOLDER]sg-session.exe&quot; --autostart" KeyPath="yes"/>
        <Environment Id="MachinePath" Name="PATH" Value="[APPLICATIONFOLDER]bin" Action="set" Part="last" Permanent="no" System="yes"/>
      </Component>
      <Component Id="PolicyFolder" Directory="POLICYFOLDER" Guid="2f0f6b6c-37ac-4a53-8a3c-6b8d3f5f6a11" KeyPath="yes">
        <CreateFolder>
          <PermissionEx Sddl="${policyAccess}"/>
        </CreateFolder>
      </Component>`

function actions() {
  const options = Object.entries(policyProperties)
  const asSystem = 'Execute="deferred" Impersonate="no"'
  return [
    ...options.map(([name]) => `<Property Id="${name}" Secure="yes"/>`),
    // Text properties of an action are filled in when it is written down, so that the deferred one below gets them.
    ...options.map(
      ([name, option]) =>
        `<CustomAction Id="Tell${name}" Property="POLICYARGUMENTS" Value="[POLICYARGUMENTS] ${option} &quot;[${name}]&quot;"/>`,
    ),
    // Refused, the whole installation is undone (1603), with the reason in the log of msiexec.
    `<CustomAction Id="WritePolicy" Directory="APPLICATIONFOLDER" ExeCommand="${command} policy write --if-none[POLICYARGUMENTS]" ${asSystem} Return="check"/>`,
    // A file that the installation did not bring is none it would remove.
    `<CustomAction Id="RemovePolicy" Directory="APPLICATIONFOLDER" ExeCommand="&quot;[System64Folder]cmd.exe&quot; /d /c del /q &quot;[POLICYFOLDER]policy.json&quot;" ${asSystem} Return="ignore"/>`,
    '<InstallExecuteSequence>',
    ...options.map(
      ([name]) => `  <Custom Action="Tell${name}" Before="InstallInitialize">${name} AND ${installing}</Custom>`,
    ),
    `  <Custom Action="WritePolicy" Before="InstallFinalize">POLICYARGUMENTS AND ${installing}</Custom>`,
    `  <Custom Action="RemovePolicy" Before="RemoveFiles">${removing}</Custom>`,
    '</InstallExecuteSequence>',
  ]
    .map((line) => `    ${line}`)
    .join('\n')
}
