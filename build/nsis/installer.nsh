; What sg-session adds to electron-builder's installer (its templates/nsis/installer.nsi), which calls the macros named custom…
; The switches and exit codes are told in docs/it; test/packages/windows-installer.test.ts runs all of this.
;
; Exit codes beside electron-builder's own (0 done, 1 cancelled, 2 the version before it could not be removed):
!define SG_REFUSED_SWITCH 10 ; a switch has a wrong value: nothing was changed
!define SG_REFUSED_POLICY 11 ; installed, but `sg-session policy write` refused the policy: none was written
!define SG_REFUSED_FOLDER 12 ; the policy's folder belongs to somebody who is no administrator: nothing was changed

!include "LogicLib.nsh"
!include "FileFunc.nsh"

; Of the whole machine; under the installer's 64-bit view of the registry.
!define SG_RUN_KEY "Software\Microsoft\Windows\CurrentVersion\Run"
; Not an address below the user's environment, as in src/system/paths.ts.
!define /ifndef SG_POLICY_FOLDER "C:\ProgramData\sg-session"

Var SgWrong     ; what was wrong, in a sentence; "" when nothing was
Var SgFolder    ; for machine-path.nsh: the folder to add or take away

!include "${PROJECT_DIR}/build/nsis/arguments.nsh"
!include "${PROJECT_DIR}/build/nsis/machine-path.nsh"

; Tells what is wrong: in a window, and to whom installs without one by the exit code and a line in the log of the policy's folder.
!macro sgTell CODE
  SetErrorLevel ${CODE}
  DetailPrint "$SgWrong"
  MessageBox MB_OK|MB_ICONEXCLAMATION "$SgWrong" /SD IDOK
!macroend

!ifndef BUILD_UNINSTALLER
  !include "${PROJECT_DIR}/build/nsis/policy-folder.nsh"
  !include "${PROJECT_DIR}/build/nsis/switches.nsh"

  !macro customInit
    ; Before anything is changed: who gave a wrong switch to five hundred machines finds nothing half done.
    Call sgReadSwitches
    ${If} $SgWrong != ""
      !insertmacro sgTell ${SG_REFUSED_SWITCH}
      Quit
    ${EndIf}
    Call sgJudgePolicyFolder
    ${If} $SgWrong != ""
      !insertmacro sgTell ${SG_REFUSED_FOLDER}
      Quit
    ${EndIf}
  !macroend

  ; The version before could not be removed. electron-builder's own words come in a box that waits in silence, too, for somebody to close it.
  !macro customUnInstallCheck
    ${If} ${Errors}
      DetailPrint "The uninstaller of the version before could not be started."
    ${ElseIf} $R0 != 0
      StrCpy $SgWrong "$(uninstallFailed): $R0"
      !insertmacro sgTell 2
      Quit
    ${EndIf}
  !macroend

  !macro customInstall
    ; The app ends at once unless `app.startAtLogin` is on.
    WriteRegStr HKLM "${SG_RUN_KEY}" "sg-session" '"$INSTDIR\${APP_EXECUTABLE_FILENAME}" --autostart'
    StrCpy $SgFolder "$INSTDIR\bin"
    Call sgAddToMachinePath
    ; Also where no policy is written, so that no user makes the folder, and a policy in it, afterwards.
    Call sgMakePolicyFolder
    ${If} $SgWrong != ""
      !insertmacro sgTell ${SG_REFUSED_FOLDER}
    ${ElseIf} $SgAsked != ""
      Call sgWritePolicy
      ${If} $SgWrong != ""
        !insertmacro sgTell ${SG_REFUSED_POLICY}
      ${EndIf}
    ${EndIf}
  !macroend
!else
  !include "${PROJECT_DIR}/build/nsis/removal.nsh"

  !macro customUnInit
    Call un.sgReadSwitches
    ${If} $SgWrong != ""
      !insertmacro sgTell ${SG_REFUSED_SWITCH}
      Quit
    ${EndIf}
  !macroend

  !macro customUnInstall
    ; An upgrade removes the version before it; the new one writes both again, perhaps for another folder.
    DeleteRegValue HKLM "${SG_RUN_KEY}" "sg-session"
    StrCpy $SgFolder "$INSTDIR\bin"
    Call un.sgRemoveFromMachinePath
    ${IfNot} ${isUpdated}
      Call un.sgRemovePolicy
    ${EndIf}
  !macroend
!endif
