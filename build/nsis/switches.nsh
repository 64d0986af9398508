; The installer's switches: /SITE= /BROKER= /CLIENTID= /CONSENT= /STARTATLOGIN= /POLICY=, or policy.json beside the installer. What they
; say is judged by the installed command (`sg-session policy write`); here only what would not reach it whole.

Var SgArguments ; for the command
Var SgAsked ; whether the policy is to be written from "switches", from the file "beside" the installer, or not: ""

; Adds `OPTION "value"` to what the command is told, when the argument is the switch `/NAME=value`.
!macro sgOption NAME OPTION
  !insertmacro sgTakeSwitch ${NAME}
    Call sgJudgeValue
    StrCpy $SgAsked "switches"
    StrCpy $SgArguments '$SgArguments ${OPTION} "$R1"'
  ${EndIf}
!macroend

; Sets $SgArguments and $SgAsked, or $SgWrong.
Function sgReadSwitches
  StrCpy $SgWrong ""
  StrCpy $SgAsked ""
  ; A policy that is there stays: an upgrade with the switches of the first installation changes nothing.
  StrCpy $SgArguments "policy write --if-none"
  !insertmacro sgEachArgument sgReadSwitch
  StrLen $R0 $SgArguments
  IntOp $R1 ${NSIS_MAX_STRLEN} - 300
  ${If} $R0 > $R1
    StrCpy $SgWrong "The switches are too long together. Put them into policy.json."
  ${EndIf}
  ${If} $SgWrong == ""
  ${AndIf} $SgAsked == ""
  ${AndIf} ${FileExists} "$EXEDIR\policy.json"
    StrCpy $SgAsked "beside"
    StrCpy $SgArguments '$SgArguments --from "$EXEDIR\policy.json"'
  ${EndIf}
FunctionEnd

Function sgReadSwitch
  StrCpy $R3 ""
  !insertmacro sgOption SITE --site
  !insertmacro sgOption BROKER --broker
  !insertmacro sgOption CLIENTID --client-id
  !insertmacro sgOption CONSENT --consent
  !insertmacro sgOption STARTATLOGIN --start-at-login
  !insertmacro sgOption POLICY --from
  ${If} $R3 == "POLICY"
  ${AndIf} $SgWrong == ""
  ${AndIfNot} ${FileExists} "$R1"
    StrCpy $SgWrong '/POLICY: "$R1" is not there.'
  ${EndIf}
  ; NSIS reads it itself.
  !insertmacro sgTakeSwitch D
  ${EndIf}
  !insertmacro sgRefuseUnknownSwitch
FunctionEnd

; Judges the value $R1 of the switch $R3: what would end the quotes of the command line, or is empty, is refused.
Function sgJudgeValue
  ${If} $R1 == ""
    StrCpy $SgWrong "/$R3: has no value."
  ${EndIf}
  StrCpy $R4 $R1 1 -1
  ${If} $R4 == "\"
    StrCpy $SgWrong '/$R3: "$R1" must not end in a backslash.'
  ${EndIf}
  StrCpy $R2 0
  ${Do}
    StrCpy $R4 $R1 1 $R2
    ${If} $R4 == '"'
      StrCpy $SgWrong "/$R3: must not hold a quotation mark."
    ${EndIf}
    IntOp $R2 $R2 + 1
  ${LoopUntil} $R4 == ""
FunctionEnd

; Has the installed command judge and write the policy. Sets $SgWrong.
Function sgWritePolicy
  StrCpy $SgWrong ""
  ; Whoever double-clicks an installer in a folder of downloads is asked: a page on the web can put a policy.json there.
  ${If} $SgAsked == "beside"
  ${AndIf} ${Cmd} `MessageBox MB_YESNO|MB_ICONQUESTION|MB_DEFBUTTON2 "Set this machine up with the file beside the installer?$\r$\n$\r$\n$EXEDIR\policy.json" /SD IDYES IDNO`
    Return
  ${EndIf}
  nsExec::ExecToStack /TIMEOUT=60000 '"$INSTDIR\bin\sg-session.exe" $SgArguments'
  Pop $R0
  Pop $R1
  Call sgLog
  ${If} $R0 != 0
    StrCpy $SgWrong 'sg-session is installed, but no policy was written ($R0).$\r$\n$\r$\n$R1'
  ${EndIf}
FunctionEnd

; What the command said, for whoever installs without a window.
Function sgLog
  FileOpen $R2 "${SG_POLICY_FOLDER}\install.log" a
  FileSeek $R2 0 END
  ${GetTime} "" "L" $0 $1 $2 $3 $4 $5 $6
  FileWrite $R2 "$2-$1-$0 $4:$5:$6 sg-session ${VERSION}: policy write: $R0$\r$\n$R1$\r$\n"
  FileClose $R2
FunctionEnd
