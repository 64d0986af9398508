; The machine's PATH. It is read and written in memory of its own: a string of NSIS ends at ${NSIS_MAX_STRLEN} characters, and an installer
; that took a longer PATH for one would cut it off for the whole machine. Its type (with %variables% or without) stays what it was.

!include "WinMessages.nsh"

!define SG_ENVIRONMENT_KEY "SYSTEM\CurrentControlSet\Control\Session Manager\Environment"
; What cmd.exe can still read of a variable.
!define SG_LONGEST_PATH 8191

; Opens the key into $1 and reads PATH between two semicolons into new memory: $4 begins with the first of them, $5 with the value; $2 is
; its type. $0 is 0, or why not.
!macro sgReadMachinePath
  StrCpy $4 0
  ; KEY_QUERY_VALUE, KEY_SET_VALUE, KEY_WOW64_64KEY
  System::Call 'advapi32::RegOpenKeyExW(p 0x80000002, w "${SG_ENVIRONMENT_KEY}", i 0, i 0x103, *p .r1) i .r0'
  ${If} $0 == 0
    System::Call 'advapi32::RegQueryValueExW(p r1, w "Path", p 0, *i .r2, p 0, *i .r3) i .r0'
    ${If} $0 == 2 ; there is none
      StrCpy $2 2
      StrCpy $3 0
      StrCpy $0 0
    ${EndIf}
    ${If} $0 == 0
      ; Room for a folder, the semicolons and the zero that a value need not end with.
      IntOp $6 ${NSIS_MAX_STRLEN} * 2
      IntOp $6 $6 + $3
      IntOp $6 $6 + 16
      System::Alloc $6
      Pop $4
      IntPtrOp $5 $4 + 2
      System::Call '*$4(&i2 59)'
      ${If} $3 > 0
        System::Call 'advapi32::RegQueryValueExW(p r1, w "Path", p 0, *i .r2, p r5, *i r3) i .r0'
      ${EndIf}
      ${If} $2 <> 1
      ${AndIf} $2 <> 2
        StrCpy $0 "type $2"
      ${EndIf}
      System::Call 'kernel32::lstrcatW(p r4, w ";")'
    ${EndIf}
  ${EndIf}
!macroend

; Writes what begins at $5 and frees everything.
!macro sgWriteMachinePath
  System::Call 'kernel32::lstrlenW(p r5) i .r3'
  IntOp $3 $3 + 1
  IntOp $3 $3 * 2
  System::Call 'advapi32::RegSetValueExW(p r1, w "Path", i 0, i r2, p r5, i r3) i .r0'
  SendMessage ${HWND_BROADCAST} ${WM_SETTINGCHANGE} 0 "STR:Environment" /TIMEOUT=2000
!macroend

!macro sgCloseMachinePath
  ${If} $4 P<> 0
    System::Free $4
  ${EndIf}
  System::Call 'advapi32::RegCloseKey(p r1)'
!macroend

!ifndef BUILD_UNINSTALLER
  ; Adds $SgFolder at the end, unless it is there.
  Function sgAddToMachinePath
    !insertmacro sgReadMachinePath
    ${If} $0 == 0
      StrCpy $7 ";$SgFolder;"
      System::Call 'shlwapi::StrStrIW(p r4, w r7) p .r6'
      System::Call 'kernel32::lstrlenW(p r4) i .r3'
      StrLen $8 $7
      IntOp $8 $8 + $3
      ${If} $8 > ${SG_LONGEST_PATH}
        DetailPrint "The machine's PATH is too long to add $SgFolder to it."
      ${ElseIf} $6 P= 0
        ; Back to the value, and a semicolon only where there is none.
        IntOp $3 $3 - 1
        IntOp $8 $3 * 2
        IntPtrOp $8 $4 + $8
        System::Call '*$8(&i2 0)'
        IntPtrOp $8 $8 - 2
        System::Call '*$8(&i2 .r9)'
        ${If} $9 <> 59
          System::Call 'kernel32::lstrcatW(p r4, w ";")'
        ${EndIf}
        System::Call 'kernel32::lstrcatW(p r4, w "$SgFolder")'
        !insertmacro sgWriteMachinePath
      ${EndIf}
    ${EndIf}
    !insertmacro sgCloseMachinePath
  FunctionEnd
!else
  ; Takes $SgFolder away, wherever it stands.
  Function un.sgRemoveFromMachinePath
    !insertmacro sgReadMachinePath
    ${If} $0 == 0
      StrCpy $7 ";$SgFolder;"
      StrLen $8 $7
      IntOp $8 $8 - 1
      IntOp $8 $8 * 2
      StrCpy $9 0 ; how often it was found
      ${Do}
        System::Call 'shlwapi::StrStrIW(p r4, w r7) p .r6'
        ${If} $6 P= 0
          ${Break}
        ${EndIf}
        IntOp $9 $9 + 1
        ; The semicolon behind it stays for the one before it.
        IntPtrOp $R0 $6 + $8
        System::Call 'kernel32::lstrlenW(p R0) i .r3'
        IntOp $3 $3 + 1
        IntOp $3 $3 * 2
        System::Call 'ntdll::RtlMoveMemory(p r6, p R0, p r3)'
      ${Loop}
      ${If} $9 > 0
        System::Call 'kernel32::lstrlenW(p r4) i .r3'
        ${If} $3 > 1
          IntOp $3 $3 - 1
          IntOp $3 $3 * 2
          IntPtrOp $R0 $4 + $3
          System::Call '*$R0(&i2 0)'
        ${Else}
          System::Call '*$5(&i2 0)'
        ${EndIf}
        !insertmacro sgWriteMachinePath
      ${EndIf}
    ${EndIf}
    !insertmacro sgCloseMachinePath
  FunctionEnd
!endif
