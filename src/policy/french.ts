import type { ConfigKey, KeyWords, sectionWords } from '../config/config-words.ts'

type Words = Pick<KeyWords, 'title' | 'description'>

/** The words of `config-words.ts` in French, for the Group Policy editor. */
export const frenchWords: Readonly<Record<ConfigKey, Words>> = {
  sites: {
    title: 'Sites ShotGrid',
    description:
      'Les sites auxquels les artistes se connectent. Le premier est celui que reçoivent les outils qui n’en nomment aucun. La liste est une seule valeur : une liste verrouillée remplace celle de l’artiste, elle ne s’y ajoute pas.',
  },
  'identity.issuer': {
    title: 'Autodesk Identity',
    description: 'Adresse du fournisseur d’identité auprès duquel les artistes se connectent.',
  },
  'identity.clientId': {
    title: 'Identifiant client de l’application Autodesk',
    description:
      'Identifiant client de votre application Autodesk, du type « Desktop, Mobile, Single-Page App ». Ce n’est pas un secret. Nécessaire pour un site avec un broker, et pour "identity-direct".',
  },
  'identity.redirectPorts': {
    title: 'Ports de redirection',
    description:
      'Ports de cette machine par lesquels le navigateur peut revenir, de 1024 à 65535. Déclarez http://localhost:PORT/callback chez Autodesk pour chacun : la comparaison est exacte.',
  },
  'identity.scopes': {
    title: 'Étendue de la connexion Autodesk',
    description:
      'À quoi la connexion Autodesk peut servir. Un changement compte à partir de la connexion suivante. Les outils Flow data ont aussi besoin de "data:read", "data:write" et "data:create".',
  },
  'identity.serveAccessToken': {
    title: 'Remettre le jeton d’accès Autodesk aux outils',
    description:
      'Les outils peuvent aussi recevoir le jeton d’accès Autodesk de la connexion (autodesk/get), avec tout ce que permet "identity.scopes" : tout programme de l’artiste peut alors en faire autant. Verrouillez-le, sinon les réglages d’un artiste peuvent l’activer.',
  },
  'session.maxAgeHours': {
    title: 'Durée maximale de la session (heures)',
    description: 'Aucune session n’est remise plus longtemps que ce nombre d’heures après la connexion. 24 au plus.',
  },
  'session.remindBeforeMinutes': {
    title: 'Rappel avant la fin (minutes)',
    description: 'Combien de minutes avant sa fin la fin d’une session est annoncée. 0 : aucune annonce.',
  },
  'session.endOnScreenLock': {
    title: 'Déconnecter au verrouillage de l’écran',
    description: 'Le verrouillage de l’écran déconnecte l’artiste. Application de la barre système seulement.',
  },
  'session.endOnSuspendHours': {
    title: 'Déconnecter après une veille de (heures)',
    description:
      'Une machine restée en veille plus longtemps que ce nombre d’heures est déconnectée à son réveil ; 24 au plus. Non défini : la veille seule ne met fin à rien. Application de la barre système seulement.',
  },
  'session.rememberSignIn': {
    title: 'Retenir la connexion pour la journée',
    description:
      'Le trousseau du système garde le jeton d’actualisation Autodesk et la clé de la connexion, pour qu’un redémarrage dans la même journée de travail se passe de navigateur. Aucune session ShotGrid n’est jamais enregistrée. Application de la barre système seulement ; un changement compte à partir de son prochain démarrage.',
  },
  'tools.consent': {
    title: 'Quels programmes peuvent recevoir une session',
    description:
      '"prompt" demande à l’artiste pour les programmes dont personne n’a décidé, "allow-list" ne sert que ceux de "tools.allow", "allow-all" sert tout programme de l’artiste sauf ceux de "tools.deny".',
  },
  'tools.allow': {
    title: 'Programmes autorisés',
    description:
      'Programmes servis sans question. Chaque élément d’une règle doit convenir ; chaque règle doit désigner un programme par executable, script, parent, owner ou sha256.',
  },
  'tools.deny': {
    title: 'Programmes refusés',
    description: 'Programmes refusés quoi qu’il soit dit ailleurs, "allow-all" compris.',
  },
  'audit.file': {
    title: 'Fichier du journal d’audit local',
    description:
      'Où le journal d’audit local est écrit : un chemin absolu, ou ~/… pour un fichier dans le dossier de chaque utilisateur. Non défini : audit.jsonl parmi les fichiers d’état de l’utilisateur.',
  },
  'audit.retentionDays': {
    title: 'Conserver le journal d’audit (jours)',
    description: 'Combien de jours les fichiers du journal d’audit local sont conservés, de 1 à 3650.',
  },
  'audit.systemLog': {
    title: 'Audit aussi dans le journal du système',
    description: 'Chaque entrée de l’audit est aussi remise au journal du système, par logger.',
  },
  'app.startAtLogin': {
    title: 'Démarrer à l’ouverture de session',
    description:
      'L’application démarre à l’ouverture de session de l’artiste. Dès qu’un fichier le définit, chaque démarrage de l’application met le système en accord. Application de la barre système seulement.',
  },
  'app.language': {
    title: 'Langue',
    description:
      'Langue de l’application : "auto" est celle du système, ou une étiquette de langue comme "fr" ; une langue qu’elle n’a pas vaut "auto". Application de la barre système seulement.',
  },
  'network.proxy': {
    title: 'Proxy',
    description:
      'Adresse du proxy à utiliser, à la place de celui du système (application) ou de l’environnement (agent sans fenêtre).',
  },
  'network.extraCa': {
    title: 'Autorités de certification supplémentaires',
    description:
      'Fichier PEM d’autorités de certification à accepter en plus de celles du système. Agent sans fenêtre seulement.',
  },
  'update.enabled': {
    title: 'Rechercher de nouvelles versions',
    description:
      'L’application recherche ses nouvelles versions et les met en place, là où son utilisateur peut la remplacer : une AppImage, une application ou une installation Windows d’un seul utilisateur. Ce qu’un gestionnaire de paquets a installé n’est jamais touché. Nécessite "update.feedUrl" et "update.publicKey". Application de la barre système seulement.',
  },
  'update.feedUrl': {
    title: 'Adresse des mises à jour',
    description:
      'Le dossier https qui contient les métadonnées (latest.yml, latest-mac.yml, latest-linux.yml), leurs signatures et les fichiers qu’elles nomment.',
  },
  'update.publicKey': {
    title: 'Clé publique des mises à jour',
    description:
      'La clé Ed25519 qui signe les mises à jour : ses 32 octets en base64. Rien n’est accepté sans sa signature.',
  },
  'update.channel': {
    title: 'Canal des mises à jour',
    description:
      '"latest" prend les versions publiées ; "beta" lit beta.yml, beta-mac.yml ou beta-linux.yml et prend aussi des versions comme 1.4.0-beta.2.',
  },
}

export const frenchSections: Readonly<Record<keyof typeof sectionWords, string>> = {
  sites: 'Sites',
  identity: 'Autodesk Identity',
  session: 'Sessions',
  tools: 'Programmes',
  audit: 'Audit',
  app: 'Application de la barre système',
  network: 'Réseau',
  update: 'Mises à jour',
}
