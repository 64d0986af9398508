# Installs, looks and removes again, on a machine that may be thrown away: try-installer.ps1 INSTALLER [-Msi FILE] [-Signed]
# What the stage under wine cannot show (test/packages/windows-installer.test.ts): signatures, the folder's access list, the real command.
param([Parameter(Mandatory)][string]$Installer, [string]$Msi, [switch]$Signed)
$ErrorActionPreference = 'Stop'
$folder = 'C:\Program Files\sg-session'
$policies = 'C:\ProgramData\sg-session'

function Assert([bool]$Condition, [string]$What) {
  if (-not $Condition) { throw "not so: $What" }
  Write-Output "ok: $What"
}

function Run([string]$Program, [string]$Arguments) {
  (Start-Process -FilePath $Program -ArgumentList $Arguments -Wait -PassThru).ExitCode
}

Assert ((Run $Installer '/S /SITE=nonsense') -eq 11) 'a site that is no address is refused with 11'
Assert ((Run $Installer '/S /SITE=https://studio.example /STARTATLOGIN=true') -eq 0) 'it installs without a question'
$policy = Get-Content "$policies\policy.json" -Raw | ConvertFrom-Json
Assert ($null -ne $policy) 'the policy is there'

$acl = Get-Acl $policies
$administrators = [System.Security.Principal.SecurityIdentifier]'S-1-5-32-544'
Assert ($acl.GetOwner([System.Security.Principal.SecurityIdentifier]) -eq $administrators) 'Administrators own the folder of the policy'
Assert ($acl.AreAccessRulesProtected) 'it inherits no access'
$writers = $acl.GetAccessRules($true, $true, [System.Security.Principal.SecurityIdentifier]) |
  Where-Object { $_.FileSystemRights -band [System.Security.AccessControl.FileSystemRights]::WriteData } |
  ForEach-Object { $_.IdentityReference.Value } | Sort-Object -Unique
Assert (($writers -join ' ') -eq 'S-1-5-18 S-1-5-32-544') 'only SYSTEM and Administrators may write there'

$machinePath = [Environment]::GetEnvironmentVariable('Path', 'Machine')
Assert (($machinePath -split ';') -contains "$folder\bin") 'the command is on the PATH of the machine'
& "$folder\bin\sg-session.exe" --version
Assert ($LASTEXITCODE -eq 0) 'the command runs without Node'
if ($Signed) {
  foreach ($file in @($Installer, "$folder\sg-session.exe", "$folder\bin\sg-session.exe", "$folder\Uninstall sg-session.exe")) {
    Assert ((Get-AuthenticodeSignature $file).Status -eq 'Valid') "$file is signed"
  }
}

Assert ((Run "$folder\Uninstall sg-session.exe" "/S _?=$folder") -eq 0) 'it removes itself'
Assert (-not (Test-Path "$folder\sg-session.exe")) 'the program is gone'
Assert (-not (Test-Path $policies)) 'the policy is gone'
$machinePath = [Environment]::GetEnvironmentVariable('Path', 'Machine')
Assert (-not (($machinePath -split ';') -contains "$folder\bin")) 'the PATH is what it was'

if ($Msi) {
  Assert ((Run 'msiexec.exe' "/i `"$Msi`" /qn /norestart SITE=https://studio.example STARTATLOGIN=yes") -in 0, 3010) 'the MSI installs without a question'
  Assert (Test-Path "$policies\policy.json") 'its policy is there'
  & "$folder\bin\sg-session.exe" --version
  Assert ($LASTEXITCODE -eq 0) 'its command runs without Node'
  # Any user may start a repair, with properties of their own.
  Remove-Item "$policies\policy.json"
  Assert ((Run 'msiexec.exe' "/fa `"$Msi`" /qn /norestart SITE=https://other.example") -in 0, 3010) 'it repairs itself'
  Assert (-not (Test-Path "$policies\policy.json")) 'a repair writes no policy'
  Assert ((Run 'msiexec.exe' "/x `"$Msi`" /qn /norestart") -in 0, 3010) 'it removes itself'
  Assert (-not (Test-Path "$folder\sg-session.exe")) 'its program is gone'
}
