; What the uninstaller takes away beside the program. Nothing of the users': an elevated process would follow what they made links
; and junctions of. `sg-session erase` as each of them, before (docs/it/uninstall.md).

; Sets $SgWrong: it has no switches of its own.
Function un.sgReadSwitches
  StrCpy $SgWrong ""
  !insertmacro sgEachArgument un.sgReadSwitch
FunctionEnd

Function un.sgReadSwitch
  StrCpy $R3 ""
  !insertmacro sgRefuseUnknownSwitch
FunctionEnd

; Only what is ours: whatever else somebody keeps in the folder stays, and the folder with it.
Function un.sgRemovePolicy
  Delete "${SG_POLICY_FOLDER}\policy.json"
  Delete "${SG_POLICY_FOLDER}\install.log"
  RMDir "${SG_POLICY_FOLDER}"
FunctionEnd
