import type { Strings } from './en.ts'

/** What the error table says, in French: what happened, and what to do. */
export const frenchErrors: Strings['errors'] = {
  login_required: {
    sentence: 'Personne n’est connecté à ce site.',
    advice: 'Connectez-vous depuis l’icône, ou lancez «\u00a0sg-session sign-in\u00a0».',
  },
  interaction_required: {
    sentence: 'La suite demande une action de votre part.',
    advice: 'Connectez-vous depuis l’icône.',
  },
  sign_in_cancelled: {
    sentence: 'La connexion a été annulée.',
    advice: 'Reconnectez-vous quand vous serez prêt.',
  },
  sign_in_timeout: {
    sentence: 'La connexion n’a pas été terminée à temps.',
    advice:
      'Reconnectez-vous. Si le navigateur a montré une page d’erreur Autodesk, demandez au service informatique si les adresses de retour sont enregistrées.',
  },
  access_denied: {
    sentence: 'L’accès a été refusé dans le navigateur.',
    advice: 'Reconnectez-vous et acceptez, ou choisissez un autre compte.',
  },
  identity_rejected: {
    sentence: 'Autodesk Identity a refusé la connexion.',
    advice: 'Reconnectez-vous. Si cela se reproduit, envoyez le diagnostic au service informatique.',
  },
  redirect_ports_busy: {
    sentence: 'Toutes les adresses où le navigateur pourrait revenir sont prises par un autre programme.',
    advice: 'Fermez le programme qui tient ces ports, ou demandez au service informatique d’en enregistrer d’autres.',
  },
  web_sign_in_unavailable: {
    sentence: 'Il n’y a aucun moyen de se connecter à ce site par le navigateur.',
    advice:
      'Demandez au service informatique d’indiquer un courtier pour ce site, ou d’y activer l’App Session Launcher.',
  },
  passphrase_rejected: {
    sentence: 'Le site n’a pas accepté cet identifiant et cette phrase secrète, ou le code à deux facteurs.',
    advice:
      'Vérifiez-les tous\u202f; la phrase secrète n’est pas le mot de passe Autodesk. Le site répond de même quand l’utilisateur est désactivé ou verrouillé\u00a0: si cela dure, demandez à un administrateur.',
  },
  personal_access_token_required: {
    sentence: 'Ce site n’accepte un identifiant et une phrase secrète qu’avec un jeton d’accès personnel.',
    advice:
      'Définissez une phrase secrète et liez un jeton dans les réglages de votre compte sur le site («\u00a0Account Settings\u00a0»)\u202f; créez le jeton sur https://profile.autodesk.com.',
  },
  two_factor_required: {
    sentence: 'Le site demande un code à deux facteurs.',
    advice: 'Saisissez le code que votre application affiche maintenant.',
  },
  legacy_sign_in_unavailable: {
    sentence: 'Ce site n’accepte pas d’identifiant ni de phrase secrète.',
    advice: 'Connectez-vous par le navigateur\u202f; demandez au service informatique ce que ce site propose.',
  },
  autodesk_token_unavailable: {
    sentence: 'Il n’y a pas de jeton Autodesk à remettre.',
    advice:
      'Demandez au service informatique si sa politique le permet et si la connexion à ce site passe par Autodesk Identity.',
  },
  consent_denied: {
    sentence: 'Ce programme n’a pas été autorisé à utiliser la session.',
    advice: 'Autorisez-le depuis l’icône, ou demandez au service informatique de l’ajouter à la politique.',
  },
  consent_timeout: {
    sentence: 'Personne n’a dit si ce programme peut utiliser la session.',
    advice: 'Recommencez et répondez à la question à l’écran.',
  },
  not_your_agent: {
    sentence: 'Ce qui répond là n’est pas votre sg-session.',
    advice:
      'Relancez sg-session. Si cela se reproduit, prévenez le service informatique\u00a0: un autre programme se fait peut-être passer pour lui.',
  },
  agent_not_running: { sentence: 'sg-session n’est pas lancé.', advice: 'Lancez sg-session.' },
  agent_already_running: {
    sentence: 'sg-session est déjà lancé pour cet utilisateur.',
    advice: 'Utilisez celui qui tourne, ou arrêtez-le d’abord.',
  },
  agent_timeout: {
    sentence: 'sg-session n’a pas répondu à temps.',
    advice: 'Réessayez\u202f; s’il reste muet, relancez sg-session.',
  },
  unsupported_version: {
    sentence: 'Le client et sg-session ne parlent pas la même version du protocole.',
    advice: 'Mettez à jour le plus ancien des deux.',
  },
  invalid_request: {
    sentence: 'La demande n’a pas la forme que le protocole décrit.',
    advice: 'Voyez ses champs dans docs/PROTOCOL.md.',
  },
  unknown_method: {
    sentence: 'Cette méthode n’existe pas.',
    advice: 'Voyez celles qui existent dans docs/PROTOCOL.md.',
  },
  site_unknown: {
    sentence: 'Ce site n’est pas configuré ici.',
    advice: 'Vérifiez l’adresse, ou demandez au service informatique d’ajouter le site.',
  },
  site_unreachable: {
    sentence: 'Le site ShotGrid ne répond pas comme il devrait.',
    advice: 'Vérifiez le réseau\u202f; sg-session garde la session et réessaie à la prochaine demande.',
  },
  identity_unreachable: {
    sentence: 'Autodesk Identity ne répond pas comme il devrait.',
    advice: 'Vérifiez le réseau et le proxy, puis réessayez.',
  },
  broker_unreachable: {
    sentence: 'Le courtier d’identité du studio ne répond pas comme il devrait.',
    advice: 'Vérifiez le réseau ou le VPN, puis réessayez\u202f; prévenez le service informatique si cela dure.',
  },
  subject_token_rejected: {
    sentence: 'Le courtier n’a pas accepté la connexion Autodesk.',
    advice: 'Reconnectez-vous. Si cela se reproduit, envoyez le diagnostic au service informatique.',
  },
  proof_rejected: {
    sentence: 'Le courtier n’a pas accepté la preuve que cette connexion appartient à ce programme.',
    advice: 'Reconnectez-vous\u202f; vérifiez l’horloge de cette machine.',
  },
  account_not_mapped: {
    sentence: 'Ce compte Autodesk n’appartient à aucun utilisateur ShotGrid.',
    advice: 'Vérifiez avec quel compte vous vous êtes connecté, ou demandez à un administrateur de le lier.',
  },
  account_disabled: {
    sentence: 'L’utilisateur ShotGrid de ce compte ne peut pas être utilisé.',
    advice: 'Demandez à un administrateur d’activer l’utilisateur ou d’autoriser l’emprunt d’identité.',
  },
  account_ambiguous: {
    sentence: 'Plusieurs utilisateurs ShotGrid partagent l’adresse e-mail de ce compte.',
    advice: 'Demandez à un administrateur lequel est le vôtre.',
  },
  privileged_account: {
    sentence: 'Les administrateurs ne sont pas connectés par le courtier.',
    advice: 'Connectez-vous sur le site web, ou demandez à l’exploitant du courtier de vous nommer dans sa politique.',
  },
  session_owner_mismatch: {
    sentence: 'Le site a créé une session qui n’est pas celle de cette personne\u202f; elle a été écartée.',
    advice:
      'Prévenez l’exploitant du courtier\u00a0: ce site ne crée pas de session d’utilisateur à partir d’une clé de script.',
  },
  broker_stopped: {
    sentence: 'Le service d’identité du studio a été arrêté.',
    advice: 'Demandez au service informatique\u00a0: quelqu’un, ou une alarme, l’a arrêté exprès.',
  },
  session_ended: { sentence: 'La session est terminée.', advice: 'Reconnectez-vous.' },
  secret_store_unavailable: {
    sentence: 'Le trousseau de ce système ne peut pas être utilisé.',
    advice: 'sg-session continue et garde tout en mémoire seulement.',
  },
  config_invalid: {
    sentence: 'La configuration ne peut pas être utilisée.',
    advice: 'Corrigez la valeur que le message nomme.',
  },
  rate_limited: { sentence: 'Il y a eu trop de demandes.', advice: 'Attendez un moment et réessayez.' },
  temporarily_unavailable: { sentence: 'Cela ne fonctionne pas pour l’instant.', advice: 'Réessayez dans un moment.' },
  audit_broken: {
    sentence: 'Le journal d’audit n’est pas celui que le service d’identité a écrit.',
    advice: 'Gardez la base de données en l’état et comparez-la à ses sauvegardes, exports et journaux.',
  },
  internal_error: {
    sentence: 'Une erreur s’est produite dans sg-session.',
    advice: 'Réessayez\u202f; envoyez le journal au service informatique si cela se reproduit.',
  },
}
