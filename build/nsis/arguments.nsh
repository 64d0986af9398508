; The command line, taken apart by Windows. FileFunc's GetOptions is not for ours: it ends a value at the next slash, and
; `/SITE=https://studio.example` would be "https:".

; Calls the function HANDLER with each argument in $R0, until $SgWrong says something.
!macro sgEachArgument HANDLER
  System::Call 'kernel32::GetCommandLineW() p .r1'
  System::Call 'shell32::CommandLineToArgvW(p r1, *i .r2) p .r3'
  ; 0 is the program.
  StrCpy $4 1
  ${While} $4 < $2
    IntOp $5 $4 * ${NSIS_PTR_SIZE}
    IntPtrOp $5 $3 + $5
    System::Call '*$5(p .r5)'
    System::Call 'kernel32::lstrlenW(p r5) i .r6'
    System::Call 'kernel32::lstrcpynW(w .R0, p r5, i ${NSIS_MAX_STRLEN})'
    ${If} $6 >= ${NSIS_MAX_STRLEN}
      StrCpy $SgWrong '"$R0" is too long for the installer. Put it into policy.json.'
    ${ElseIf} $SgWrong == ""
      Call ${HANDLER}
    ${EndIf}
    IntOp $4 $4 + 1
  ${EndWhile}
  System::Call 'kernel32::LocalFree(p r3)'
!macroend

; Whether the argument $R0 is the switch `/NAME=value`, in any case: then its value is in $R1, and $R3 is NAME.
!macro sgTakeSwitch NAME
  StrLen $R2 "/${NAME}="
  StrCpy $R1 $R0 $R2
  ${If} $R1 == "/${NAME}="
    StrCpy $R3 "${NAME}"
    StrCpy $R1 $R0 "" $R2
!macroend

; A switch that nobody knows is a typing mistake on five hundred machines. For what is not of the form `/NAME=value`, NSIS and
; electron-builder have words of their own.
!macro sgRefuseUnknownSwitch
  StrCpy $R1 $R0 1
  ${If} $R3 == ""
  ${AndIf} $R1 == "/"
    StrCpy $R2 0
    ${Do}
      IntOp $R2 $R2 + 1
      StrCpy $R1 $R0 1 $R2
      ${If} $R1 == "="
        StrCpy $SgWrong '"$R0" is no switch of this program.'
      ${EndIf}
    ${LoopUntil} $R1 == ""
  ${EndIf}
!macroend
