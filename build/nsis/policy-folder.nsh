; The policy's folder. Every user of a machine may make a folder in C:\ProgramData, and files in one that an administrator made there
; without an access list of its own: whoever owns the policy would be the machine's administrator in the eyes of the app. So a folder or
; policy of somebody else's is refused, and the folder is made with, or gets, an access list that inherits nothing.

; Owner and group Administrators; they and SYSTEM may everything, users may read.
!define SG_POLICY_SDDL "O:BAG:BAD:PAI(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;OICI;0x1200a9;;;BU)"
; TrustedInstaller
!define SG_TRUSTED_INSTALLER "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"

; What is wrong with the file or folder in $0, in $SgWrong; nothing is where there is none.
Function sgJudgeOwner
  System::Call 'kernel32::GetFileAttributesW(w r0) i .r1'
  ${If} $1 = -1
    Return
  ${EndIf}
  IntOp $2 $1 & 0x400
  ${If} $2 <> 0
    StrCpy $SgWrong '"$0" is a link. Remove it, or replace it by what it points to.'
    Return
  ${EndIf}
  StrCpy $5 "unknown"
  ; SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION
  System::Call 'advapi32::GetNamedSecurityInfoW(w r0, i 1, i 1, *p .r2, p 0, p 0, p 0, *p .r3) i .r1'
  ${If} $1 = 0
    System::Call 'advapi32::ConvertSidToStringSidW(p r2, *p .r4) i .r1'
    ${If} $1 <> 0
      System::Call '*$4(&w256 .r5)'
      System::Call 'kernel32::LocalFree(p r4)'
    ${EndIf}
    System::Call 'kernel32::LocalFree(p r3)'
  ${EndIf}
  ; Administrators, SYSTEM
  ${If} $5 != "S-1-5-32-544"
  ${AndIf} $5 != "S-1-5-18"
  ${AndIf} $5 != "${SG_TRUSTED_INSTALLER}"
  !ifdef SG_ALSO_TRUSTED_OWNER ; for wine, where nothing belongs to Administrators
  ${AndIf} $5 != "${SG_ALSO_TRUSTED_OWNER}"
  !endif
    StrCpy $SgWrong '"$0" belongs to $5, who is not the administrators. Remove it, or make Administrators its owner.'
  ${EndIf}
FunctionEnd

; Sets $SgWrong; changes nothing.
Function sgJudgePolicyFolder
  StrCpy $SgWrong ""
  StrCpy $0 "${SG_POLICY_FOLDER}"
  Call sgJudgeOwner
  ${If} $SgWrong == ""
    StrCpy $0 "${SG_POLICY_FOLDER}\policy.json"
    Call sgJudgeOwner
  ${EndIf}
FunctionEnd

; Makes the folder, or gives the one that is there its access list. Sets $SgWrong.
Function sgMakePolicyFolder
  StrCpy $SgWrong ""
  StrCpy $0 "${SG_POLICY_FOLDER}"
  System::Call 'advapi32::ConvertStringSecurityDescriptorToSecurityDescriptorW(w "${SG_POLICY_SDDL}", i 1, *p .r1, p 0) i .r2'
  ${If} $2 = 0
    StrCpy $SgWrong '"$0": its access list cannot be made.'
    Return
  ${EndIf}
  ; SECURITY_ATTRIBUTES: made with its list, so that there is no moment without.
  System::Call '*(&l${NSIS_PTR_SIZE}, p r1, i 0) p .r3'
  System::Call 'kernel32::CreateDirectoryW(w r0, p r3) i .r2 ?e'
  Pop $4
  System::Free $3
  ${If} $2 = 0
    ${If} $4 <> 183 ; ERROR_ALREADY_EXISTS
      StrCpy $SgWrong '"$0" cannot be made (Windows error $4).'
    ${Else}
      ; Somebody may have made it since it was looked at.
      Push $1
      Call sgJudgePolicyFolder
      Pop $1
      StrCpy $0 "${SG_POLICY_FOLDER}"
      ${If} $SgWrong == ""
        System::Call 'advapi32::GetSecurityDescriptorOwner(p r1, *p .r2, *i .r5)'
        System::Call 'advapi32::GetSecurityDescriptorDacl(p r1, *i .r5, *p .r3, *i .r5)'
        ; OWNER, DACL and PROTECTED_DACL_SECURITY_INFORMATION: what inherits from the folder gets the list too.
        System::Call 'advapi32::SetNamedSecurityInfoW(w r0, i 1, i 0x80000005, p r2, p 0, p r3, p 0) i .r4'
        ${If} $4 <> 0
          StrCpy $SgWrong '"$0" cannot be given its access list (Windows error $4).'
        ${EndIf}
      ${EndIf}
    ${EndIf}
  ${EndIf}
  System::Call 'kernel32::LocalFree(p r1)'
FunctionEnd
